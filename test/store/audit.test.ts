import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { auditHash, serverAct, type Act, type AuditVerdict } from '../../src/model/audit.ts'
import { openAuditRecords } from '../../src/store/audit.ts'
import { Database } from '../../src/store/database.ts'
import { verifyAudit } from '../../src/store/verify-audit.ts'
import { StoreDirectory, TestStore } from './test-store.ts'

const writer = resolve(import.meta.dirname, 'audit-writer.ts')
const run = promisify(execFile)

const act = (resource: string, more: Partial<Act> = {}): Act => ({ ...serverAct('test.act'), resource, ...more })

/** A record with so many entries, closed. */
function filled(entries: number): StoreDirectory {
  const files = new StoreDirectory()
  using store = files.open()
  for (let number = 1; number <= entries; number += 1) store.audit.append(act(String(number)))
  return files
}

/** As somebody would who has the file: past the triggers. */
function tamper({ path }: StoreDirectory, sql: string): void {
  using db = new DatabaseSync(path)
  db.exec('DROP TRIGGER audit_entry_stays; DROP TRIGGER audit_entry_stays_as_it_is')
  db.exec(sql)
}

/** Without a look at the sums of the file's pages, which show what was written past SQLite's log too. */
async function verify({ path }: StoreDirectory): Promise<AuditVerdict> {
  using db = new Database(path)
  return await verifyAudit(db)
}

describe('an entry', () => {
  it('is written in the transaction of the change, and is not there when that is undone', () => {
    using test = new TestStore()
    const { audit, apps } = test.store
    audit.during(act('kept'), () => apps.update(test.app.id, { maintenance: true }))
    const undone = () =>
      test.store.transaction(() => {
        apps.update(test.app.id, { maintenance: false })
        throw new Error('undone')
      })
    expect(() => audit.during(act('undone'), undone)).toThrow('undone')
    expect(audit.list({}, 10).map(({ resource }) => resource)).toEqual(['kept'])
  })

  it('is written once for all that an act changes, also later, and not for what only looks', async () => {
    using test = new TestStore()
    const { audit, apps } = test.store
    await audit.during(act('twice'), async () => {
      apps.update(test.app.id, { maintenance: true })
      await Promise.resolve()
      apps.update(test.app.id, { maintenance: false })
    })
    audit.during(act('looks'), () => test.store.transaction(() => apps.find('acme')))
    expect(audit.list({}, 10).map(({ resource }) => resource)).toEqual(['twice'])
  })

  it('of an act that the record has nothing of is written when it ends; of one that fails, if it had changed something', () => {
    using test = new TestStore()
    const { audit, apps } = test.store
    const [restart, refused, half] = [act('restart'), act('refused'), act('half')]
    audit.during(restart, () => audit.end(restart))
    audit.during(refused, () => audit.end(refused, 'forbidden'))
    audit.during(half, () => {
      apps.update(test.app.id, { maintenance: true })
      audit.end(half, 'engine_unreachable')
    })
    const found = audit.list({}, 10).map(({ resource, failure }) => [resource, failure])
    expect(found).toEqual([
      ['restart', null],
      ['half', null],
      ['half', 'engine_unreachable'],
    ])
  })

  it('has no more than 3 KiB, whatever is put into it, and its hash is that of its text', () => {
    using test = new TestStore()
    const { audit } = test.store
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`key${at}`, 'x'.repeat(5000)]))
    audit.append(act('y'.repeat(100_000), { detail: many }))
    const [entry] = audit.list({}, 1)
    expect(entry!.text.length).toBeLessThan(3072)
    expect(entry!.hash).toBe(auditHash(entry!.text))
  })
})

describe('the chain', () => {
  it('is intact, however many entries there are', async () => {
    using files = filled(1200)
    using store = files.open()
    const verdict = await store.audit.verify()
    expect(verdict).toMatchObject({ entries: 1200, head: { sequence: 1200 }, broken: null })
  })

  it.each([
    ['a changed entry', `UPDATE audit_entries SET entry = replace(entry, '"3"', '"4"') WHERE sequence = 3`, 3, 'hash'],
    ['a changed hash', `UPDATE audit_entries SET hash = '${'0'.repeat(64)}' WHERE sequence = 5`, 5, 'hash'],
    ['a removed entry', 'DELETE FROM audit_entries WHERE sequence = 4', 4, 'missing'],
    ['removed first entries', 'DELETE FROM audit_entries WHERE sequence < 3', 1, 'missing'],
    ['removed last entries', 'DELETE FROM audit_entries WHERE sequence > 8', 9, 'missing'],
    [
      'a moved beginning',
      'UPDATE audit_start SET sequence = 2; DELETE FROM audit_entries WHERE sequence <= 2',
      3,
      'follow',
    ],
  ])('shows %s, and which is the first that is wrong', async (_, sql, sequence, reason) => {
    using files = filled(10)
    tamper(files, sql)
    const { broken } = await verify(files)
    expect(broken).toMatchObject({ sequence, reason: expect.stringContaining(reason) as string })
  })

  it('shows an entry that was written anew with its right hash, by the one after it', async () => {
    using files = filled(10)
    const [third] = (() => {
      using store = files.open()
      return store.audit.list({ after: 2 }, 1)
    })()
    const text = third!.text.replace('"resource":"3"', '"resource":"other"')
    tamper(files, `UPDATE audit_entries SET entry = '${text}', hash = '${auditHash(text)}' WHERE sequence = 3`)
    expect((await verify(files)).broken).toMatchObject({ sequence: 4 })
  })

  it('refuses to change or remove an entry by SQL, as long as nobody removes the triggers', () => {
    using files = filled(3)
    using db = new Database(files.path)
    expect(() => db.execute(`UPDATE audit_entries SET entry = '{}'`)).toThrow('not changed')
    expect(() => db.execute('DELETE FROM audit_entries')).toThrow('kept')
  })

  it('stays verifiable when the oldest entries are removed, of which as many are kept as are meant to be', async () => {
    using files = filled(0)
    using db = new Database(files.path)
    const audit = openAuditRecords(db, 300)
    for (let number = 1; number <= 1100; number += 1) audit.append(act(String(number)))
    const verdict = await audit.verify()
    expect(verdict).toMatchObject({ broken: null, head: { sequence: 1100 } })
    expect(verdict.entries).toBeGreaterThanOrEqual(300)
    expect(verdict.entries).toBeLessThan(300 + 256)
    expect(audit.list({ after: 0 }, 1)[0]!.sequence).toBe(verdict.start.sequence + 1)
  })
})

describe('writers', () => {
  it('at the same time, two processes, have each entry in one chain', async () => {
    using files = filled(0)
    const write = () => run(process.execPath, [writer, files.path, files.keyPath, '200'])
    await Promise.all([write(), write()])
    using store = files.open()
    expect(await store.audit.verify()).toMatchObject({ entries: 400, broken: null })
  })

  it('killed in the midst of it leave a whole chain, with every change that was acknowledged', async () => {
    using files = filled(0)
    let acknowledged = 0
    for (let round = 0; round < 8; round += 1) {
      const child = spawn(process.execPath, [writer, files.path, files.keyPath, '0'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let lines = 0
      child.stdout.on('data', (chunk: Buffer) => {
        lines += chunk.toString().split('\n').length - 1
        if (lines > 5 + round) child.kill('SIGKILL')
      })
      await once(child, 'close')
      acknowledged += lines
    }
    using store = files.open()
    const { entries, broken } = await store.audit.verify()
    expect(broken).toBeNull()
    expect(entries).toBeGreaterThanOrEqual(acknowledged)
    // Each entry is of a change that is there, and each change has one.
    const changed = store.accounts.list().length
    expect(changed).toBe(entries)
  })
})

describe('a list', () => {
  it('has the newest, ascending, and what the conditions say', () => {
    using test = new TestStore()
    const { audit } = test.store
    const app = { id: test.app.id, name: 'acme' }
    const account = { id: test.account.id, email: test.account.email }
    audit.append(act('1', { app, account, action: 'config-vars.update', client: '192.0.2.1' }))
    audit.append(act('2', { app, action: 'config.update' }))
    audit.append(act('3', { account, action: 'login' }))
    const found = (filter: Parameters<typeof audit.list>[0], limit = 10) =>
      audit.list(filter, limit).map(({ resource }) => resource)
    expect(found({})).toEqual(['1', '2', '3'])
    expect(found({}, 2)).toEqual(['2', '3'])
    expect(found({ before: 3 }, 1)).toEqual(['2'])
    expect(found({ after: 1 }, 1)).toEqual(['2'])
    expect(found({ appId: test.app.id })).toEqual(['1', '2'])
    expect(found({ email: 'OWNER@example.com' })).toEqual(['1', '3'])
    expect(found({ action: 'config-vars' })).toEqual(['1'])
    expect(found({ action: 'config.update' })).toEqual(['2'])
    expect(found({ action: '%' })).toEqual([])
    expect(found({ client: '192.0.2.1' })).toEqual(['1'])
    expect(found({ since: new Date(Date.now() + 1000) })).toEqual([])
    expect(found({ until: new Date(Date.now() + 1000) })).toEqual(['1', '2', '3'])
  })
})
