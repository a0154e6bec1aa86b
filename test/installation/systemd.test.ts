import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { removeFromEngine } from '../helpers/engine.ts'
import { freePort } from '../helpers/free-port.ts'

const run = promisify(execFile)
const started = { timeout: 20_000 }
const root = resolve(import.meta.dirname, '../..')
const possible = process.getuid?.() === 0 && existsSync('/lib/systemd/systemd')

/** A real systemd, and clones of this checkout by somebody who hides what they make: `new` has one more migration. */
describe.skipIf(!possible)('the server as a service of systemd', () => {
  const directory = mkdtempSync('/srv/paas-systemd-')
  const data = join(directory, 'data')
  const domain = 'service.localhost'
  let systemd: ChildProcess
  let init = ''
  let ports: number[] = []

  beforeAll(async () => {
    for (const name of ['old', 'new']) copyCheckout(join(directory, name))
    writeFileSync(join(directory, 'new/src/store/migrations/9999-newer.sql'), 'CREATE TABLE newer (id TEXT) STRICT;')
    ports = [await freePort(), await freePort()]
    systemd = spawn(join(import.meta.dirname, 'boot-systemd.sh'), [directory], { stdio: 'ignore' })
    const children = `/proc/${systemd.pid}/task/${systemd.pid}/children`
    await vi.waitUntil(() => (init = readFileSync(children, 'utf8').trim()) !== '', started)
    await vi.waitUntil(async () => (await inside('systemctl', 'is-system-running')).includes('running'), started)
  })

  afterAll(async () => {
    systemd.kill('SIGKILL')
    if (existsSync(join(data, 'paas.json'))) {
      await removeFromEngine(
        (JSON.parse(readFileSync(join(data, 'paas.json'), 'utf8')) as { serverId: string }).serverId,
      )
    }
    rmSync(directory, { recursive: true, force: true })
  })

  /** What a program that systemd's namespaces hold prints, its errors too. */
  async function inside(...argv: string[]): Promise<string> {
    const enter = [`--target=${init}`, '--mount', '--pid', '--ipc', '--uts', '--cgroup']
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] }
    const hiding = ['sh', '-c', 'umask 077; exec "$@"', 'sh', ...argv]
    const { stdout, stderr } = await run('nsenter', [...enter, '--', ...hiding], { env }).catch(
      (cause: { stdout?: string; stderr?: string }) => ({
        stdout: cause.stdout ?? '',
        stderr: `${cause.stderr}[failed]`,
      }),
    )
    return stdout + stderr
  }

  const npm = (clone: string, ...argv: string[]) =>
    inside('npm', '--prefix', join(directory, clone), 'run', '-s', ...argv)
  const install = (clone: string) => {
    const settings = [
      `PAAS_HTTP_PORT=${ports[0]}`,
      `PAAS_HTTPS_PORT=${ports[1]}`,
      'PAAS_DEPLOY_HOLD=0',
      'PAAS_BUILD_STANDBY=0',
      `XDG_CONFIG_HOME=${join(directory, 'config')}`,
    ]
    const set = settings.flatMap((setting) => ['--set', setting])
    return npm(clone, 'service', '--', '--yes', '--domain', domain, '--data', data, ...set)
  }
  const ask = async (path = '/'): Promise<string> => {
    const argv = ['--silent', '--max-time', '30', '--noproxy', '*', `http://hello.${domain}:${ports[0]}${path}`]
    return (await run('curl', argv)).stdout
  }

  it('is installed by one command, with users of its own, and is in order', async () => {
    expect(await install('old')).toContain(`ready     http://${domain}:${ports[0]}`)
    expect(await inside('systemctl', 'is-enabled', 'paas')).toBe('enabled\n')
    expect(await inside('stat', '--format=%a %U', '/etc/paas/settings.env')).toBe('600 root\n')
    const users = await inside('ps', '-eo', 'user:20,args')
    for (const role of ['router', 'api', 'worker', 'gate']) {
      expect(users).toMatch(new RegExp(`^paas-${role} .*dist/${role}\\.js`, 'm'))
    }
    const findings = JSON.parse(await inside(join(directory, 'old/bin/paas'), 'doctor', '--json')) as object[]
    expect(findings.filter((finding) => 'state' in finding && finding.state === 'bad')).toEqual([])
    expect(findings).toContainEqual(expect.objectContaining({ name: 'service', state: 'good' }))
  })

  it('serves apps', async () => {
    await pushApp(join(directory, 'app'), {
      PATH: `${join(directory, 'old/bin')}:${process.env['PATH']}`,
      HOME: directory,
      XDG_CONFIG_HOME: join(directory, 'config'),
    })
    expect(await ask()).toBe('hello')
  })

  it('is upgraded by one command, and takes its record along; apps and connections live through it', async () => {
    const slow = ask('/slow')
    let [asked, upgraded] = [0, false]
    const load = (async () => {
      for (; !upgraded; asked++) expect(await ask()).toBe('hello')
    })()
    expect(await npm('new', 'upgrade', '--', '--no-pull')).toContain(`runs ${join(directory, 'new')}`)
    upgraded = true
    await load
    expect(asked).toBeGreaterThan(10)
    expect(await slow).toMatch(/^begin\n(tick\n)+end$/)
    expect(await inside('systemctl', 'show', 'paas', '--property=WorkingDirectory')).toContain(join(directory, 'new'))
  })

  it('refuses to go back to a version that cannot read the record, and goes on', async () => {
    const before = await inside('systemctl', 'show', 'paas', '--property=MainPID')
    expect(await npm('old', 'upgrade', '--', '--no-pull')).toMatch(
      /written by a newer version.*data_directory_newer.*failed/s,
    )
    expect(await inside('systemctl', 'show', 'paas', '--property=MainPID')).toBe(before)
    expect(await ask()).toBe('hello')
  })

  it('is removed by one command, which says what goes; the data stays, and serves again after it is installed', async () => {
    const refused = await npm('new', 'service:remove')
    expect(refused).toMatch(/^goes .*Nothing was removed.*--confirm service.localhost/s)
    expect(await npm('new', 'service:remove', '--', '--confirm', domain)).toContain(`the data stays in ${data}`)
    const left = 'find /etc/paas /etc/systemd/system/paas*; grep ^paas- /etc/passwd'
    expect(await inside('sh', '-c', `(${left}) 2>/dev/null; true`)).toBe('/etc/paas\n')
    expect(await npm('new', 'service:remove', '--', '--confirm', 'localhost')).toContain('There is no service')
    await expect(ask()).rejects.toThrow('Command failed')
    await install('new')
    await expect.poll(ask).toBe('hello')
  })

  it('is removed with its data if that is told', async () => {
    expect(await npm('new', 'service:remove', '--', '--data', '--confirm', domain)).toContain('all is removed')
    expect(existsSync(data)).toBe(false)
  })
})

function copyCheckout(target: string): void {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  for (const file of files
    .toString()
    .split('\0')
    .filter((name) => name !== '' && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(target, file)), { recursive: true })
    cpSync(join(root, file), join(target, file))
  }
  execFileSync('chmod', ['--recursive', 'go=', target])
  execFileSync('cp', ['--archive', '--link', join(root, 'node_modules'), target])
  // Not its files, which are those of this checkout.
  execFileSync('find', [join(target, 'node_modules'), '-type', 'd', '-exec', 'chmod', 'go=', '{}', '+'])
  // What set-up writes there.
  for (const own of ['.cache', '.locked']) rmSync(join(target, 'node_modules', own), { recursive: true, force: true })
  cpSync(join(root, 'node_modules/.locked'), join(target, 'node_modules/.locked'))
}

async function pushApp(directory: string, env: Record<string, string>): Promise<void> {
  mkdirSync(directory)
  const server = `require('http').createServer((request, answer) => {
    if (request.url !== '/slow') return answer.end('hello')
    answer.write('begin\\n')
    let ticks = 0
    const timer = setInterval(() => {
      if (ticks++ < 20) return answer.write('tick\\n')
      clearInterval(timer)
      answer.end('end')
    }, 1000)
  }).listen(process.env.PORT)`
  writeFileSync(join(directory, 'server.js'), server)
  writeFileSync(
    join(directory, 'package.json'),
    '{"name":"hello","version":"1.0.0","scripts":{"start":"node server.js"}}',
  )
  const git = (...argv: string[]) =>
    run('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...argv], { cwd: directory, env })
  await git('init', '--quiet', '--initial-branch=main')
  await git('add', '.')
  await git('commit', '--quiet', '--message=hello')
  await run('paas', ['create', 'hello'], { cwd: directory, env })
  await git('push', 'paas', 'main')
}
