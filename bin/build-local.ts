import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { parseArgs, promisify } from 'node:util'
import { createPackPolicy } from '../src/build/pack-url.ts'
import { createTreeMaker } from '../src/build/make-tree.ts'
import { createPipeline } from '../src/build/pipeline.ts'
import { BuildSandboxes } from '../src/build/sandboxes.ts'
import { createStacks } from '../src/build/stacks.ts'
import { AppTrees, newestTrees } from '../src/build/trees.ts'
import { packDirectory } from '../src/cli/tarball.ts'
import { loadConfig } from '../src/config.ts'
import { connectDocker } from '../src/engine/docker/docker.ts'
import { preparation } from '../src/engine/docker/preparation.ts'
import type { Engine } from '../src/engine/engine.ts'
import { asPaasError, PaasError } from '../src/errors.ts'
import { createLog } from '../src/log.ts'
import type { BuildResult } from '../src/model/build-request.ts'
import { newId, type AppId, type BuildId } from '../src/model/ids.ts'
import { PhaseClock } from '../src/model/phase-clock.ts'
import { usualStack } from '../src/model/stack.ts'
import { createNarrator } from '../src/output/narrate.ts'

/**
 * `npm run build:local -- [DIRECTORY]`: builds what a push of the directory would build, with the
 * same packs and limits, and leaves an image that Docker can run. Needs no server. The cache of
 * packs stays for the next build of the same directory, until `--forget`.
 */

const execute = promisify(execFile)
const usage = `npm run build:local -- [DIRECTORY] [--env KEY=value]... [--buildpack NAME]... [--stack NAME] [--no-cache] [--forget]`
const port = 5000

type Settings = { env: Record<string, string>; buildpacks: string[]; stack: string; noCache: boolean; forget: boolean }

try {
  const { directory, ...settings } = await readArguments()
  await buildLocal(directory, settings)
} catch (cause) {
  const { message, hint } = asPaasError(cause)
  for (const line of [message, hint]) if (line) console.error(` !     ${line.replaceAll('\n', '\n !     ')}`)
  process.exitCode = 1
}

/** npm runs scripts in its own directory, and says where it was called. @throws usage */
async function readArguments(): Promise<Settings & { directory: string }> {
  const { values, positionals } = parse()
  const directory = resolve(process.env['INIT_CWD'] ?? '.', positionals[0] ?? '.')
  const isDirectory = (await stat(directory).catch(() => undefined))?.isDirectory()
  if (!isDirectory || positionals.length > 1) throw misused(`${positionals.join(' ')} is not one directory.`)
  const { env, buildpack: buildpacks, stack, 'no-cache': noCache, forget } = values
  return { directory, env: pairs(env), buildpacks, stack, noCache, forget }
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        env: { type: 'string', multiple: true, short: 'e', default: [] },
        buildpack: { type: 'string', multiple: true, short: 'b', default: [] },
        stack: { type: 'string', default: usualStack },
        'no-cache': { type: 'boolean', default: false },
        forget: { type: 'boolean', default: false },
      },
    })
  } catch (cause) {
    throw misused((cause as Error).message)
  }
}

function misused(message: string): PaasError {
  return new PaasError('usage', message, { hint: `Usage: ${usage}` })
}

function pairs(words: string[]): Record<string, string> {
  const wrong = words.find((word) => !/^[A-Za-z_]\w*=/.test(word))
  if (wrong !== undefined) throw misused(`"${wrong}" is not KEY=value.`)
  return Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]))
}

async function buildLocal(directory: string, { env, buildpacks, stack, noCache, forget }: Settings): Promise<void> {
  const { serverId, appId, name } = identityOf(directory)
  const log = createLog('build-local', 'warn')
  const config = loadConfig()
  // What is built is the developer's own, so nothing is kept from this machine, and no rule is set.
  const network = { ...config.network, firewall: false }
  const engine = connectDocker({ ...config, network, dataDirectory: tmpdir(), serverId, log })
  if (forget) return engine.removeServer()
  await using life = new AsyncDisposableStack()
  const source = life.use(await takeSource(directory))
  const toolboxes = (wanted: string) => stacks(wanted).toolbox
  const stacks = createStacks({ engine, config })
  const trees = new AppTrees(engine)
  const build = { ...config.build, standbySeconds: 0 }
  const sandboxes = life.use(new BuildSandboxes({ engine, toolboxes, trees, build, log }))
  const repositories = { archive: async () => source.archive(), tree: async () => source.tree }
  const { registries, limits } = config
  const makeTree = createTreeMaker(engine)
  const deps = { engine, toolboxes, sandboxes, trees, makeTree, repositories, build, registries, limits, log }
  const pipeline = createPipeline({ ...deps, packPolicy: createPackPolicy(config) })
  const output = createNarrator({ write: (text) => process.stdout.write(text), config: env })
  const request = { buildId: newId<BuildId>(), appId, app: name, stack, commit: source.tree, config: env, buildpacks }
  const told = { output, clock: new PhaseClock(), facts: {} }
  const result = await pipeline({ ...request, noCache }, told, interruption())
  const tagged = await tag(result, `paas-local/${name}`)
  await dropEarlier(engine, appId, [result.image, tagged])
  const settings = Object.keys(env).map((key) => ` -e ${key}=…`)
  output.topic(`Built paas-local/${name}. Run it with:`)
  output.detail(`docker run --rm --init -p ${port}:${port} -e PORT=${port}${settings.join('')} paas-local/${name}`)
  output.end()
}

/** The same for each build of a directory, so that it finds its cache. */
function identityOf(directory: string): { serverId: string; appId: AppId; name: string } {
  const hash = createHash('sha256').update(`local ${directory}`).digest('hex')
  const [, ...groups] = /^(.{8})(.{4})(.{3})(.{3})(.{12})/.exec(hash) ?? []
  const [first, second, third, fourth, fifth] = groups
  const appId = `${first}-${second}-4${third}-8${fourth}-${fifth}` as AppId
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  return { serverId: hash.slice(-12), appId, name: name || 'app' }
}

type Source = AsyncDisposable & { tree: string; archive: () => Readable }

/** What a push would bring if all was committed now, in a repository of its own. */
async function takeSource(directory: string): Promise<Source> {
  const place = await mkdtemp(join(tmpdir(), 'paas-build-local-'))
  const remove = () => rm(place, { recursive: true, force: true })
  try {
    const files = join(place, 'files')
    await mkdir(files)
    const { bytes, done } = await packDirectory(directory)
    const unpack = spawn('tar', ['-xz', '-C', files], { stdio: ['pipe', 'ignore', 'inherit'] })
    bytes.pipe(unpack.stdin)
    await Promise.all([done, once(unpack, 'close')])
    const git = ['--git-dir', join(place, 'git'), '--work-tree', files]
    await execute('git', ['init', '--quiet', '--bare', '--template=', join(place, 'git')])
    await execute('git', [...git, 'add', '--all', '--force'], { cwd: files })
    const { stdout } = await execute('git', [...git, 'write-tree'])
    const tree = stdout.trim()
    // Piped on at once: what nobody reads of a process that has ended is thrown away.
    const archive = () => spawn('git', [...git, 'archive', tree]).stdout.pipe(new PassThrough())
    return { tree, archive, [Symbol.asyncDispose]: remove }
  } catch (cause) {
    await remove()
    throw cause
  }
}

/**
 * With the command of `web`, as a dyno runs it; an image of a Dockerfile has its own.
 * @returns the digest of what has the name
 */
async function tag({ image, processTypes }: BuildResult, name: string): Promise<string> {
  const { web } = processTypes
  if (web === null) {
    await execute('docker', ['tag', image, name])
    return image
  }
  const command = web === undefined ? 'bash' : `exec ${web}`
  const { stdout } = await execute('docker', ['create', image, 'bash'])
  const container = stdout.trim()
  const start = JSON.stringify(['/bin/bash', '-c', `${preparation}${command}`])
  try {
    const made = await execute('docker', ['commit', '--change', `CMD ${start}`, container, name])
    return made.stdout.trim()
  } finally {
    await execute('docker', ['rm', container])
  }
}

/** Of this directory these images are kept, and what the next build begins with. */
async function dropEarlier(engine: Engine, appId: AppId, newest: string[]): Promise<void> {
  const images = await engine.listImages({ appId })
  const kept = new Set([...newest, ...newestTrees(images)])
  for (const { digest } of images) if (!kept.has(digest)) await engine.removeImage(digest)
}

function interruption(): AbortSignal {
  const interrupted = new PaasError('build_cancelled', 'Interrupted.')
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(interrupted))
  return stop.signal
}
