import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { flush, packet } from '../../src/git/pkt-line.ts'
import { childrenOf, commandLine } from '../helpers/processes.ts'
import { until } from '../helpers/app.ts'
import { gitEnvironment, run } from '../helpers/repository.ts'
import { startGitHost, type GitHost, type Project } from './git-host.ts'
import { openRaw } from './raw-http.ts'

/** No process, ref or directory is left of a push, and git sees nothing of the server's environment. */

let host: GitHost
beforeAll(async () => {
  process.env['REDIS_URL'] = 'redis://user:secret@example.com'
  process.env['GIT_TRACE'] = '1'
  process.env['TMPDIR'] = tmpdir()
  process.env['TZ'] ??= 'UTC'
  host = await startGitHost()
})
afterAll(() => host?.[Symbol.asyncDispose]())

/** The processes of git that serve this project's repository. */
async function gitsOf({ app }: Project, of: GitHost = host): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  return pids.map(commandLine).filter((line) => line.includes(of.repositoryPath(app)))
}

async function leftBehind({ app }: Project): Promise<string[]> {
  const objects = join(host.repositoryPath(app), 'objects')
  const files = await readdir(objects, { recursive: true })
  return files.filter((name) => /incoming|tmp_/.test(name))
}

function pushHead(): Buffer {
  const line = `${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/main\0report-status side-band-64k`
  return Buffer.concat([packet(line), flush])
}

const emptyPack = Buffer.from('5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e', 'hex')

/** Two objects are announced; the first, a blob of 1 MiB, is cut in its middle (gitformat-pack(5)). */
function beginningOfPack(): Buffer {
  const blob = deflateSync(randomBytes(2 ** 20)).subarray(0, 2 ** 19)
  return Buffer.concat([Buffer.from('5041434b0000000200000002b0808004', 'hex'), blob])
}

function pushRequest({ app }: Project) {
  const authorization = `Basic ${Buffer.from(`git:${host.owner.secret}`).toString('base64')}`
  return {
    method: 'POST',
    path: `/${app.name}.git/git-receive-pack`,
    headers: { authorization, 'content-type': 'application/x-git-receive-pack-request' },
  }
}

describe('a client that leaves before the pack is complete', () => {
  it.each([
    ['in the list of refs', [pushHead().subarray(0, 50)]],
    ['right after it', [pushHead()]],
    ['in the head of the pack', [pushHead(), 'PACK']],
    ['in the pack', [pushHead(), beginningOfPack()]],
  ])('%s, leaves no process, ref or quarantine directory', async (_, body) => {
    await using project = await host.newProject()
    await host.repositories.ensure(project.app.id)
    const socket = await openRaw(host.port, { ...pushRequest(project), body, framing: 10_000_000 })
    if (body.length > 1) await until('git runs', async () => (await gitsOf(project)).length > 0)
    socket.destroy()
    await expect.poll(() => gitsOf(project)).toEqual([])
    await expect.poll(() => leftBehind(project)).toEqual([])
    expect(await host.repositories.resolve(project.app.id, 'refs/heads/main')).toBeUndefined()
    expect(host.store.builds.list(project.app.id)).toEqual([])
  })

  it('is the same for the real client, killed in the middle of a large push', async () => {
    await using project = await host.newProject()
    await writeFile(join(project.repository.path, 'noise'), randomBytes(30 * 2 ** 20))
    await project.repository.commit('Noise')
    const client = spawn('git', ['-c', 'core.compression=0', 'push', 'paas', 'main'], {
      cwd: project.repository.path,
      env: gitEnvironment(),
      detached: true,
    })
    await expect.poll(() => leftBehind(project), { interval: 2 }).not.toEqual([])
    process.kill(-client.pid!, 'SIGKILL')
    await expect.poll(() => gitsOf(project)).toEqual([])
    await expect.poll(() => leftBehind(project)).toEqual([])
    expect(host.store.builds.list(project.app.id)).toEqual([])
  })
})

describe('a receive that was killed with its server', () => {
  it('leaves a quarantine directory and half a repository, which the next server removes when it starts', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'paas-git-'))
    await using life = new AsyncDisposableStack()
    life.defer(() => rm(directory, { recursive: true }))
    const quarantines = async ({ app }: Project) =>
      (await readdir(join(directory, `${app.id}.git/objects`))).filter((name) => name.startsWith('tmp_objdir-'))
    const killed = async (): Promise<Project> => {
      await using before = await startGitHost({ directory })
      await using project = await before.newProject()
      await before.repositories.ensure(project.app.id)
      const body = [pushHead(), beginningOfPack()]
      const request = { ...pushRequest(project), body, framing: 10_000_000 }
      const authorization = `Basic ${Buffer.from(`git:${before.owner.secret}`).toString('base64')}`
      const socket = await openRaw(before.port, { ...request, headers: { ...request.headers, authorization } })
      await until('git has begun', async () => (await quarantines(project)).length > 0)
      const gits = (await readdir('/proc')).filter((pid) => /^\d+$/.test(pid)).map(Number)
      for (const pid of gits.filter((each) => commandLine(each).includes(before.repositoryPath(project.app)))) {
        process.kill(pid, 'SIGKILL')
      }
      socket.destroy()
      return project
    }
    const project = await killed()
    expect(await quarantines(project)).toHaveLength(1)
    for (const name of ['.new-old', '.new-recent']) await mkdir(join(directory, name, 'objects'), { recursive: true })
    await utimes(join(directory, '.new-old'), 0, 0)
    life.use(await startGitHost({ directory }))
    expect(await quarantines(project)).toEqual([])
    expect(await readdir(directory)).toContain('.new-recent') // another role may be making it
    expect(await readdir(directory)).not.toContain('.new-old')
  })
})

describe('a client that leaves while its build runs', () => {
  it('may leave before the build is recorded, once git has everything', async () => {
    const hooks = await mkdtemp(join(tmpdir(), 'paas-hooks-'))
    const hook = join(import.meta.dirname, '../../hooks/proc-receive')
    await writeFile(
      join(hooks, 'proc-receive'),
      `#!/bin/sh\necho > ${hooks}/here\nread go < ${hooks}/go\nexec ${hook}\n`,
    )
    await chmod(join(hooks, 'proc-receive'), 0o755)
    await run('mkfifo', [join(hooks, 'go')])
    await using own = await startGitHost({ hooks })
    await using project = await own.newProject()
    const client = spawn('git', ['push', 'paas', 'main'], {
      cwd: project.repository.path,
      env: gitEnvironment(),
      detached: true,
    })
    await until('the hook waits', async () => (await readdir(hooks)).includes('here'))
    process.kill(-client.pid!, 'SIGKILL')
    await once(client, 'close')
    await writeFile(join(hooks, 'go'), 'go\n')
    const head = await project.repository.head()
    await until('it serves', async () => (await own.repositories.resolve(project.app.id, 'refs/heads/main')) === head)
    await until('git has ended', async () => (await gitsOf(project, own)).length === 0)
    await rm(hooks, { recursive: true })
  })

  it('leaves no process, and the build goes on', async () => {
    const { promise, resolve } = Promise.withResolvers<'succeeded'>()
    await using project = await host.newProject(() => promise)
    const client = spawn('git', ['push', 'paas', 'main'], {
      cwd: project.repository.path,
      env: gitEnvironment(),
      detached: true,
    })
    await expect.poll(() => host.builds.started.some(({ appId }) => appId === project.app.id)).toBe(true)
    process.kill(-client.pid!, 'SIGKILL')
    await expect.poll(() => gitsOf(project)).toEqual([])
    resolve('succeeded')
    const head = await project.repository.head()
    await expect.poll(() => host.repositories.resolve(project.app.id, 'refs/heads/main')).toBe(head)
  })
})

describe('a client that stays and reads nothing', () => {
  it('is let go, and its git ends', async () => {
    await using own = await startGitHost({ limits: { idleMs: 3_000 } })
    await using project = await own.newProject(async (_, say) => {
      for (let line = 0; line < 200; line++) say(`${'x'.repeat(100_000)}\n`)
      return 'succeeded'
    })
    await writeFile(join(project.repository.path, 'noise'), randomBytes(20 * 2 ** 20))
    await project.repository.commit('Noise')
    expect(await project.repository.git('push', '--quiet', 'paas', 'main')).toMatchObject({ code: 0 })
    const commit = await project.repository.head()
    const running = async () => (await gitsOf(project, own)).length
    const authorization = `Basic ${Buffer.from(`git:${own.owner.secret}`).toString('base64')}`
    const request = (service: string, body: Buffer[]) => ({
      method: 'POST',
      path: `/${project.app.name}.git/git-${service}`,
      headers: { authorization, 'content-type': `application/x-git-${service}-request` },
      body,
    })
    const fetch = [packet(`want ${commit} side-band-64k\n`), flush, packet('done\n')]
    const rebuild = packet(`${'0'.repeat(40)} ${commit} refs/deploy/main\0report-status side-band-64k`)
    for (const asked of [request('upload-pack', fetch), request('receive-pack', [rebuild, flush, emptyPack])]) {
      const socket = await openRaw(own.port, asked)
      socket.pause()
      await until('git runs', async () => (await running()) > 0)
      await until('git has ended', async () => (await running()) === 0)
      socket.destroy()
    }
    expect(own.store.builds.list(project.app.id)).toHaveLength(2)
  })
})

describe('git and its hooks', () => {
  it('see what they need of the environment and nothing else', async () => {
    const hooks = await mkdtemp(join(tmpdir(), 'paas-hooks-'))
    const seen = join(hooks, 'seen')
    await writeFile(join(hooks, 'proc-receive'), `#!/bin/sh\n/usr/bin/env > ${seen}\n`)
    await chmod(join(hooks, 'proc-receive'), 0o755)
    await using own = await startGitHost({ hooks })
    await using project = await own.newProject()
    await project.repository.git('push', 'paas', 'main')
    const variables = (await readFile(seen, 'utf8')).trim().split('\n')
    const names = variables.map((line) => line.split('=')[0] ?? '').toSorted((one, two) => (one < two ? -1 : 1))
    await rm(hooks, { recursive: true })
    expect(names).toEqual([
      'GIT_ATTR_NOSYSTEM',
      'GIT_CONFIG_COUNT',
      'GIT_CONFIG_GLOBAL',
      'GIT_CONFIG_KEY_0',
      'GIT_CONFIG_NOSYSTEM',
      'GIT_CONFIG_VALUE_0',
      'GIT_DIR',
      'GIT_EXEC_PATH',
      'GIT_NO_REPLACE_OBJECTS',
      'GIT_TERMINAL_PROMPT',
      'LC_ALL',
      'PAAS_HOOK_SOCKET',
      'PAAS_NODE',
      'PATH',
      'PWD',
      'TMPDIR',
      'TZ',
    ])
    expect(variables.join('\n')).not.toMatch(/secret|redis:/)
  })

  it('run in a session of their own, so that they can be ended together', async () => {
    const { promise, resolve } = Promise.withResolvers<'succeeded'>()
    await using project = await host.newProject(() => promise)
    const pushing = project.repository.git('push', 'paas', 'main')
    await expect.poll(() => host.builds.started.some(({ appId }) => appId === project.app.id)).toBe(true)
    const [receivePack] = childrenOf(process.pid).filter((pid) =>
      commandLine(pid).includes(host.repositoryPath(project.app)),
    )
    const [, , group, session] = await statOf(receivePack!)
    expect([group, session]).toEqual([String(receivePack), String(receivePack)])
    expect(childrenOf(receivePack!).map(commandLine).join()).toContain('proc-receive')
    resolve('succeeded')
    await pushing
  })
})

describe('a hook', () => {
  it('finds a socket that only the server’s own user can reach', async () => {
    expect((await stat(host.hookSocket)).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(host.hookSocket))).mode & 0o777).toBe(0o700)
  })

  it('that belongs to no push of this server is refused', async () => {
    const hook = spawn(process.execPath, [join(import.meta.dirname, '../../hooks/wire.js'), 'proc-receive'], {
      env: { PAAS_HOOK_SOCKET: host.hookSocket },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let said = ''
    hook.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const code = await new Promise((settle) => hook.on('close', settle))
    expect(said).toBe('paas: this hook does not belong to a running push.\n')
    expect(code).toBe(1)
  })
})

describe('without descriptors for another process', () => {
  it.each([0, 1, 2, 3, 4, 5])('git is not started, and the server goes on (%i are left)', async (left) => {
    const script = join(import.meta.dirname, 'few-descriptors.ts')
    const { output, code } = await run('sh', ['-c', `ulimit -n 60; exec "$0" ${script} ${left}`, process.execPath])
    expect(output.trim().split('\n')).toEqual(
      Array(4).fill('server_exhausted: The server has no file descriptors left.'),
    )
    expect(code).toBe(0)
  })

  it('children that fail at whichever descriptor leave the memory of the process whole', async () => {
    const script = join(import.meta.dirname, 'failing-starts.ts')
    const { output, code } = await run('sh', ['-c', `ulimit -n 60; exec "$0" ${script}`, process.execPath])
    expect({ output, code }).toEqual({ output: '', code: 0 })
  })
})

describe('when the server stops', () => {
  it('a push that waits for its build is told to push again', async () => {
    await using own = await startGitHost()
    const { promise, resolve } = Promise.withResolvers<'succeeded'>()
    await using project = await own.newProject(() => promise)
    const pushing = project.repository.git('push', 'paas', 'main')
    await expect.poll(() => own.builds.started).toHaveLength(1)
    await own.git[Symbol.asyncDispose]()
    const pushed = await pushing
    resolve('succeeded')
    expect(pushed.output).toContain('The server was interrupted. A build it accepted goes on: push again to follow it.')
    expect(pushed.output).toContain('! [remote rejected] main -> main (the server was interrupted; push again)')
    expect(pushed.code).toBe(1)
  })
})

async function statOf(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
