import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { TestEngine } from './helpers/test-engine.ts'

/**
 * Runs the tests as on a machine that nothing has run on: a Docker Engine that starts for the first time, in a network of
 * its own, and a home directory without git identity, caches and logins; in another language and time zone, with nothing
 * readable for others. Arguments go to vitest.
 */

/** The tests get Ctrl-C from the terminal themselves; what was made is removed once they have ended, also when nobody reads on. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child?.kill('SIGTERM'))
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => child?.kill('SIGTERM'))

let child: ChildProcess | undefined
const root = resolve(import.meta.dirname, '..')
const place = await mkdtemp(join(tmpdir(), 'paas-fresh-'))
try {
  process.exitCode = await runTests(process.argv.slice(2))
} finally {
  await rm(place, { recursive: true, force: true })
}

async function runTests(argv: string[]): Promise<number> {
  const obstacle = await obstacleToEngine()
  await using engine = obstacle === undefined ? await TestEngine.start() : undefined
  say(engine ? `a new Docker Engine at ${engine.dockerHost}` : `the Docker Engine of this machine: ${obstacle}`)
  const env = { ...(await strangeEnvironment()), ...(engine && { DOCKER_HOST: engine.dockerHost }) }
  const enter = engine?.enter ?? []
  const code = await run([...enter, join(root, 'bin/setup'), '--tests'], env)
  return code === 0 ? await run([...enter, join(root, 'node_modules/.bin/vitest'), 'run', ...argv], env) : code
}

/** Why no engine of its own can be had here. */
async function obstacleToEngine(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root can start another one'
  const servers = [...(await readFile('/etc/resolv.conf', 'utf8')).matchAll(/^nameserver\s+(\S+)/gm)]
  if (servers.every(([, address = '']) => address.startsWith('127.') || address === '::1'))
    return 'the name server of this machine listens on loopback only, which another network cannot reach'
  return undefined
}

/** `LANGUAGE` translates messages of git, apt and the shell in any locale but C (gettext(1)), where their translations are installed. */
async function strangeEnvironment(): Promise<NodeJS.ProcessEnv> {
  const home = join(place, 'home')
  await Promise.all([mkdir(home), mkdir(join(place, 'tmp'))])
  // Others enter a directory for temporary files, whatever the umask.
  await Promise.all([chmod(place, 0o755), chmod(join(place, 'tmp'), 0o1777)])
  // Else git makes an identity up from the names of the user and the machine (git-commit(1)).
  await writeFile(join(home, '.gitconfig'), '[user]\n\tuseConfigOnly = true\n')
  const odd = { HOME: home, TMPDIR: join(place, 'tmp'), LC_ALL: 'C.UTF-8', LANGUAGE: 'de', TZ: 'Asia/Kathmandu' }
  process.umask(0o077)
  say(
    `umask 077, ${Object.entries(odd)
      .map((pair) => pair.join('='))
      .join(' ')}`,
  )
  const personal = /^(XDG_|LC_|LANG|PAAS_|REDIS_URL$|GIT_(AUTHOR|COMMITTER|CONFIG)_|EMAIL$|npm_config_cache$)/i
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !personal.test(name))), ...odd }
}

async function run([program = '', ...argv]: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const PATH = [join(root, 'node_modules/.bin'), env['PATH']].join(delimiter)
  child = spawn(program, argv, { cwd: root, env: { ...env, PATH }, stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

function say(text: string): void {
  process.stdout.write(`fresh: ${text}\n`)
}
