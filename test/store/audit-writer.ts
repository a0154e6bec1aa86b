import { writeSync } from 'node:fs'
import { serverAct } from '../../src/model/audit.ts'
import { openStore } from '../../src/store/open.ts'

/**
 * Runs as a process of its own, to be killed: makes accounts, each an act of its own, and prints a line once the record has it.
 * argv: database, key, how many (0: until killed).
 */
const [path = '', keyPath = '', count = '0'] = process.argv.slice(2)
const store = openStore({ path, keyPath })

for (let written = 0; count === '0' || written < Number(count); written += 1) {
  const email = `a${process.pid}-${written}@example.com`
  store.audit.during(serverAct('accounts.create', { email }), () => store.accounts.create({ email, admin: false }))
  writeSync(1, `${email}\n`)
}
store[Symbol.dispose]()
