import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { promisify } from 'node:util'
import { pack, type Header } from 'tar-stream'
import { Readable } from 'node:stream'
import { createStack } from '../../src/build/stack/debian.ts'
import { loadConfig, type Config, type Network } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import type { DynoSpec, Engine, SandboxSpec } from '../../src/engine/engine.ts'
import { createLog } from '../../src/log.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import { removeFromEngine } from '../helpers/engine.ts'

const run = promisify(execFile)

const log = createLog('test', 'error')

export const never = new AbortController().signal
export const limits = { memoryMiB: 128, cpus: 1, pids: 64 }

/** An engine of a server of its own on this machine's Docker. Disposal removes all that it made. */
export async function testEngine() {
  const config = loadConfig()
  const serverId: string = randomUUID()
  const engine = connectDocker({ docker: config.docker, serverId, log })
  const image = await createStack({ engine, config }).runImage([], () => undefined)
  return new TestServer(engine, serverId, image.digest)
}

class TestServer implements AsyncDisposable {
  readonly engine: Engine
  readonly serverId: string
  readonly image: string
  readonly appId: AppId = newId<AppId>()

  constructor(engine: Engine, serverId: string, image: string) {
    this.engine = engine
    this.serverId = serverId
    this.image = image
  }

  /** Another connection of the same server, with these settings. */
  connect(settings: Partial<Pick<Config, 'docker' | 'network' | 'runtime' | 'domain' | 'httpPort'>>) {
    return connectDocker({ docker: loadConfig().docker, serverId: this.serverId, log, ...settings })
  }

  sandbox(spec: Partial<SandboxSpec> = {}, signal = never) {
    const { appId, image } = this
    const given = { appId, image, name: 'build-1', user: 'app', limits, env: {}, labels: {} }
    return this.engine.createSandbox({ ...given, ...spec }, signal)
  }

  /** An image as a builder gives one: the run image and these layers, which run so. */
  async load(config: object, layers: BuiltLayer[] = [], forged: Partial<BuiltImage> = {}) {
    const { appId, image } = this
    const [base = []] = await this.engine.sharedLayers([image])
    const shared = [base]
    const archive = builtImage({ config, base, layers, ...forged })
    return this.engine.loadImage({ archive, shared, appId, labels: {}, diskMiB: 50 })
  }

  dyno(command: string | null, spec: Partial<DynoSpec> = {}) {
    const { appId, image } = this
    const given = { appId, app: 'acme', name: 'web.1', type: 'web', release: 7, image, size: 'basic', limits }
    return this.engine.runDyno({ ...given, env: { PORT: '5000' }, restart: true, command, ...spec }, never)
  }

  /** A build and a dyno while these ports of the host are open to the server. */
  async opening(host: Network['host']) {
    const engine = this.connect({ network: { firewall: true, allow: [], host } })
    await engine.secureHost()
    const { appId, image } = this
    const container = { appId, image, limits, env: {} }
    const sandbox = await engine.createSandbox({ ...container, name: 'opened', user: 'app', labels: {} }, never)
    const spec = { ...container, app: 'acme', name: 'worker.9', type: 'worker', release: 7, size: 'basic' }
    const dyno = await engine.runDyno({ ...spec, command: 'sleep 1000', restart: true }, never)
    return { sandbox, dyno, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() }
  }

  async [Symbol.asyncDispose]() {
    await this.engine.removeServer()
    await removeFromEngine(this.serverId)
  }
}

export type TestEngine = TestServer

/** What the `docker` command prints: a look from outside, past the code under test. */
export async function docker(...argv: string[]): Promise<string> {
  const { stdout } = await run('docker', argv, { maxBuffer: 2 ** 30, encoding: 'latin1' })
  return stdout.trim()
}

/** Makes the file that a command in a container waits for. The command may end, and `touch` with it, before that has. */
export async function letGo(container: string, path = '/tmp/go'): Promise<void> {
  await docker('exec', '--detach', container, 'touch', path)
}

/** Runs a shell command in a sandbox; gives what it printed on both streams and how it ended. */
export async function shell(sandbox: Awaited<ReturnType<Engine['createSandbox']>>, script: string, signal = never) {
  const chunks: Buffer[] = []
  const exit = await sandbox.exec({ argv: ['bash', '-c', script] }, (chunk) => chunks.push(chunk), signal)
  return { ...exit, output: Buffer.concat(chunks).toString().trim() }
}

/** A tar of files given as `[header, content]`. */
export function tar(...entries: [Partial<Header> & { name: string }, string?][]): Readable {
  const archive = pack()
  for (const [header, content] of entries) archive.entry(header as Header, content ?? '')
  archive.finalize()
  return Readable.from(archive)
}

/** A gzipped tar, and the digests of both. */
export type BuiltLayer = { blob: string; diffId: string; content: Buffer }
type BuiltImage = { config: object; base: string[]; layers: BuiltLayer[]; delivered?: BuiltLayer[] }

export async function builtLayer(...entries: Parameters<typeof tar>): Promise<BuiltLayer> {
  return gzippedLayer(await buffer(tar(...entries)))
}

export function gzippedLayer(plain: Buffer): BuiltLayer {
  const content = gzipSync(plain, { level: 1 })
  return { blob: sha256(content), diffId: `sha256:${sha256(plain)}`, content }
}

function builtImage({ config, base, layers, delivered = layers }: BuiltImage): Readable {
  const diffIds = [...base, ...layers.map(({ diffId }) => diffId)]
  const blobs = [...base, ...layers.map(({ blob }) => `sha256:${blob}`)]
  const description = {
    architecture: machineArchitecture,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: diffIds },
  }
  const manifest = { schemaVersion: 2, layers: blobs.map((digest) => ({ digest })) }
  const archive = pack()
  for (const json of [manifest, description])
    archive.entry({ name: sha256(JSON.stringify(json)) }, JSON.stringify(json))
  for (const { blob, content } of delivered) archive.entry({ name: blob }, content)
  archive.finalize()
  return Readable.from(archive)
}

const machineArchitecture = process.arch === 'x64' ? 'amd64' : process.arch

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Answers each connection to the port with a line, then closes it. */
export const listener = (port: string, host = '0.0.0.0') =>
  `exec perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => "${host}", LocalPort => ${port}, ` +
  `Listen => 5, ReuseAddr => 1) or die $!; $| = 1; print "up\\n"; while ($c = $s->accept) { print $c "hello\\n"; close $c }'`
