import { writeSync } from 'node:fs'
import { openStore } from '../../src/store/open.ts'

/**
 * Runs as a process of its own, to be killed: makes releases of the app given and prints each one's number once the record has
 * it. argv: database, key, app id, how many (0: until killed).
 */
const [path = '', keyPath = '', appName = '', count = '0'] = process.argv.slice(2)
const store = openStore({ path, keyPath })
const app = store.apps.find(appName)
if (!app) throw new Error(`there is no app ${appName}`)

for (let written = 0; count === '0' || written < Number(count); written += 1) {
  const { version } = store.transaction(() => {
    const config = store.configVars.update(app.id, { [`KEY_${process.pid}`]: String(written) })
    const release = { appId: app.id, slugId: null, description: `by ${process.pid}`, accountId: app.ownerId, config }
    return store.releases.create(release)
  })
  writeSync(1, `${version}\n`)
}
store[Symbol.dispose]()
