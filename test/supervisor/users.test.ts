import { execFileSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig, type Config } from '../../src/config.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { asUser } from '../../src/supervisor/as-user.ts'
import { moveOldFiles } from '../../src/supervisor/old-places.ts'
import { giveToUsers } from '../../src/supervisor/owners.ts'
import { findUsers } from '../../src/supervisor/users.ts'
import { findWay } from '../../src/supervisor/way.ts'
import { SupervisedServer } from './supervised-server.ts'

const isRoot = process.getuid?.() === 0
const instances = '/proc/sys/fs/inotify/max_user_instances'
const passwd = 'root:x:0:0::/root:/bin/sh\npaas-router:x:501:601::/nonexistent:/usr/sbin/nologin\n'

let place: string
let config: Config
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'paas-users-'))
  config = loadConfig({ PAAS_DATA: join(place, 'data') })
})
afterEach(() => rmSync(place, { recursive: true, force: true }))

describe.runIf(isRoot)('the users of a server', () => {
  it('are those of their names, and numbers that nobody has where a machine has none', () => {
    const { router, api, worker, gate } = findUsers(passwd)!
    expect(router).toEqual({ uid: 501, gid: 601, groups: [] })
    expect(api).toEqual({ uid: 60_702, gid: 60_702, groups: [601] })
    expect(worker).toEqual({ uid: 60_703, gid: 60_703, groups: [60_702, 601] })
    expect(gate).toEqual({ uid: 60_704, gid: 60_704, groups: [] })
  })

  it('get nothing but the way to this code and the data where a directory above is closed', () => {
    const before = process.umask(0o077)
    config = loadConfig({ PAAS_DATA: join(place, 'deep/data') })
    openDataDirectory(config)
    chmodSync(join(place, 'deep'), 0o755)
    chmodSync(config.dataDirectory, 0o755)
    writeFileSync(join(place, 'secret'), 'secret')
    writeFileSync(join(config.dataDirectory, 'file'), 'content')
    chmodSync(join(config.dataDirectory, 'file'), 0o644)
    const way = findWay(config.dataDirectory)
    expect(way.closed.filter((path) => `${place}/`.startsWith(`${path}/`))).toHaveLength(1)
    const [program, ...argv] = [...asUser({ uid: 12_345, gid: 12_345, groups: [] }, way), 'sh', '-c']
    const env = { PATH: process.env['PATH'], LC_ALL: 'C' } // its errors are read below
    const run = (script: string) => execFileSync(program, [...argv, script], { encoding: 'utf8', stdio: 'pipe', env })
    expect(run(`cat '${config.dataDirectory}/file'; test -r '${import.meta.filename}' && echo code`)).toBe(
      'contentcode\n',
    )
    expect(() => run(`cat '${place}/secret'`)).toThrow('No such file')
    expect(readFileSync(join(place, 'secret'), 'utf8')).toBe('secret')
    process.umask(before)
  })

  it('keep no network of a container beyond its end, with the mounts that they have of their own', () => {
    const network = `paas-${process.pid}`
    execFileSync('ip', ['netns', 'add', network])
    try {
      const way = { closed: [place], open: [place] }
      const [program, ...argv] = [...asUser({ uid: 0, gid: 0, groups: [] }, way), 'cat', '/proc/self/mountinfo']
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).toContain(`/run/netns/${network} `)
      expect(execFileSync(program, argv, { encoding: 'utf8' })).not.toContain(' - nsfs ')
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).toContain(`/run/netns/${network} `)
    } finally {
      execFileSync('ip', ['netns', 'delete', network])
    }
  })
})

describe.runIf(isRoot)('a data directory that root has worked on', () => {
  const users = findUsers(passwd)!
  const ownerOf = (path: string) => {
    const { uid, gid, mode } = lstatSync(path)
    return [uid, gid, (mode & 0o7777).toString(8)]
  }
  const object = (): string => join(config.paths.repositories, 'app.git/objects/pack/a.pack')

  it('is taken over whole, with what lies at the places of an older version', () => {
    openDataDirectory(config)
    const old = ['routes.json', 'routes-key', 'run/log-cursors.json'].map((name) =>
      make(join(config.dataDirectory, name)),
    )
    const log = make(join(config.paths.logs, 'app/1.log'))
    for (const path of [object(), config.paths.database, config.paths.key]) make(path)
    chmodSync(object(), 0o400)
    moveOldFiles(config)
    giveToUsers(config, users)
    for (const path of old) expect(() => statSync(path)).toThrow('ENOENT')
    expect(ownerOf(config.paths.routingTable)).toEqual([501, 601, '600'])
    expect(ownerOf(config.paths.router)).toEqual([501, 601, '700'])
    expect(ownerOf(config.paths.database)).toEqual([60_703, 60_702, '660'])
    expect(ownerOf(config.paths.key)).toEqual([60_703, 60_702, '640'])
    expect(ownerOf(object())).toEqual([60_702, 60_702, '440'])
    expect(ownerOf(dirname(object()))).toEqual([60_702, 60_702, '2770'])
    expect(ownerOf(log)).toEqual([60_703, 601, '660'])
    expect(ownerOf(config.dataDirectory)).toEqual([0, 60_702, '3771'])
  })

  it('is walked once, and again after an older version worked on it', () => {
    openDataDirectory(config)
    giveToUsers(config, users)
    make(object())
    giveToUsers(config, users)
    expect(ownerOf(object())[0]).toBe(0)
    const later = Date.now() / 1000 + 60
    utimesSync(make(join(config.paths.run, 'role-worker.lock')), later, later)
    giveToUsers(config, users)
    expect(ownerOf(object())[0]).toBe(60_702)
  })

  it('gives nobody a file elsewhere that a link there leads to', () => {
    openDataDirectory(config)
    const elsewhere = make(join(place, 'elsewhere/file'))
    symlinkSync(elsewhere, join(config.paths.logs, 'link'))
    giveToUsers(config, users)
    symlinkSync(elsewhere, config.paths.database)
    expect(() => giveToUsers(config, users)).toThrow('is a symbolic link')
    expect(ownerOf(elsewhere)).toEqual([0, 0, '600'])
  })
})

describe.runIf(isRoot && canWrite(instances))('a server that root starts', () => {
  it('lifts limits of the kernel that its worker has no right to', async () => {
    writeFileSync(instances, String(2 ** 31 - 2)) // which is enough for whatever else runs
    await using server = await SupervisedServer.start()
    expect(server.output).toMatch(/^ready /m)
    expect(readFileSync(instances, 'utf8')).toBe(`${2 ** 31 - 1}\n`)
  })
})

it.runIf(isRoot)('the users of a server read what was compiled for root', async () => {
  const compiled = make(join(place, 'compiled/v24-x64-0/0a1b2c3d'))
  chmodSync(place, 0o755)
  await using _server = await SupervisedServer.start({ NODE_COMPILE_CACHE: dirname(dirname(compiled)) })
  for (const { uid } of Object.values(findUsers()!)) {
    expect(statSync(join(place, `compiled/v24-x64-${uid}/0a1b2c3d`)).mode & 0o777).toBe(0o644)
  }
})

describe.runIf(isRoot)('a server that a user without rights starts', () => {
  it('runs whole as that user, and its data directory is closed to others', async () => {
    await using server = await SupervisedServer.prepare()
    chownSync(server.directory, 12_345, 12_345)
    server.prefix = asUser({ uid: 12_345, gid: 12_345, groups: [] }, findWay(server.directory))
    await server.start({ HOME: server.directory })
    expect(server.output).toMatch(/^ready /m)
    for (const part of ['router.ts', 'redis-server', 'worker.ts', 'api.ts']) {
      expect(statSync(`/proc/${server.pidOf(part)}`).uid).toBe(12_345)
    }
    expect(statSync(server.data).mode & 0o777).toBe(0o700)
  })
})

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false // the system's parameters are read-only in a container
  }
}

function make(path: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, 'x', { mode: 0o600 })
  return path
}
