import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { BuildSandboxes } from '../../src/build/sandboxes.ts'
import { createStack } from '../../src/build/stack/debian.ts'
import { ImageStates } from '../../src/build/stack/image-states.ts'
import { createToolbox } from '../../src/build/toolbox.ts'
import { AppTrees } from '../../src/build/trees.ts'
import { forEachEntry } from '../../src/tar.ts'
import type { RunPipeline } from '../../src/model/build-request.ts'
import { loadConfig, type Config } from '../../src/config.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { PaasError } from '../../src/errors.ts'
import { createRepositories } from '../../src/git/bare-repositories.ts'
import type { Repositories } from '../../src/model/repositories.ts'
import { createLog, type Logger } from '../../src/log.ts'
import { openAppLogReader } from '../../src/logs/reader.ts'
import { openAppLogWriter } from '../../src/logs/writer.ts'
import type { Account } from '../../src/model/account.ts'
import type { Build } from '../../src/model/build.ts'
import type { Release } from '../../src/model/release.ts'
import type { PackageUpdate } from '../../src/model/stack.ts'
import { parseAppJson } from '../../src/model/app-json.ts'
import { parseProcfile } from '../../src/model/procfile.ts'
import { connectQueue } from '../../src/queue/connect-queue.ts'
import { createOutputReader } from '../../src/output/reader.ts'
import { openOutputWriters } from '../../src/output/writer.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { connectDataDoors, connectRouterControl } from '../../src/router/control/client.ts'
import { runRouter } from '../../src/router/run.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { openBackupStorage } from '../../src/main/backup-storage.ts'
import { createDiskRoom } from '../../src/main/disk-room.ts'
import { createOwners } from '../../src/main/owners.ts'
import { openWorker } from '../../src/worker/worker.ts'
import { removeFromEngine } from '../helpers/engine.ts'
import { freePort } from '../helpers/free-port.ts'
import { TestRedis } from '../queue/redis-server.ts'
import { SiteApp } from './site-app.ts'

/**
 * A worker among real parts: engine, Redis, record, repositories, router. Only the building is short: the slug is the run image with
 * the process types of the commit's Procfile, and the file `build`, if there is one, says how building goes (BuildGate).
 */
export class Site implements AsyncDisposable {
  readonly config: Config
  readonly serverId: string
  readonly store: Store
  readonly engine: Engine
  readonly queue: Queue
  readonly redis: TestRedis
  readonly repositories: Repositories
  readonly owner: Account
  readonly log: Logger
  readonly buildGate = new BuildGate()
  /** What Debian's mirror has newer versions of, for an image with this file of dpkg's states. */
  updatesFor: (state: string) => PackageUpdate[] = () => []
  readonly #life: AsyncDisposableStack
  #worker: AsyncDisposable | undefined
  #image = ''

  private constructor(config: Config, redis: TestRedis, life: AsyncDisposableStack) {
    this.config = config
    this.redis = redis
    this.#life = life
    this.serverId = openDataDirectory(config).serverId
    this.log = createLog('test', 'error')
    const { serverId, log } = this
    const { paths, limits } = config
    this.store = life.use(openStore({ path: paths.database, keyPath: paths.key }))
    this.owner = this.store.accounts.create({ email: 'owner@example.com', admin: true })
    this.engine = connectDocker({ ...config, serverId, log })
    life.defer(() => removeFromEngine(serverId))
    this.queue = life.use(connectQueue({ ...redis.deps, serverId }))
    this.repositories = createRepositories({ directory: paths.repositories, limits })
  }

  static async open(settings: Record<string, string> = {}): Promise<Site> {
    await using life = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'paas-worker-'))
    life.defer(() => rm(directory, { recursive: true, force: true }))
    const redis = life.use(await TestRedis.start())
    const port = String(await freePort())
    const ports = { PAAS_HTTP_PORT: port, PAAS_HTTPS_PORT: 'off' }
    const hold = { PAAS_DEPLOY_HOLD: '0', PAAS_BUILD_STANDBY: '0' } // nobody waits for what few tests are about
    const config = loadConfig({ ...process.env, PAAS_DATA: directory, ...ports, ...hold, ...settings })
    const site = new Site({ ...config, redis: redis.deps.redis }, redis, life.move())
    await site.#openRouter()
    const stack = createStack({ engine: site.engine, config })
    site.#image = (await stack.runImage([], () => undefined)).digest
    await site.startWorker()
    return site
  }

  createApp(name: string): Promise<SiteApp> {
    return SiteApp.create(this, name)
  }

  async startWorker(): Promise<void> {
    const { config, serverId, log, store, engine, repositories } = this
    const { paths } = config
    const life = new AsyncDisposableStack()
    const logs = life.use(openAppLogWriter({ directory: paths.logs, log }))
    const outputs = life.use(openOutputWriters({ redis: config.redis, serverId, directory: paths.builds, log }))
    const router = connectRouterControl(paths.routerSocket)
    const doors = connectDataDoors(paths.routerSocket)
    const stack = createStack({ engine, config })
    const toolbox = createToolbox({ engine, stack })
    const states = new ImageStates(engine, {
      updatesOf: async (states) => ({
        snapshot: '0123456789abcdef',
        updates: states.map((state) => this.updatesFor(state.toString())),
      }),
    })
    const trees = new AppTrees(engine)
    const sandboxes = life.use(
      new BuildSandboxes({ engine, toolboxes: () => toolbox, trees, build: config.build, log }),
    )
    const pipeline = this.#pipeline()
    const storage = openBackupStorage({ config, store, serverId })
    const makeDiskRoom = createDiskRoom({ config, store, engine, sandboxes, log })
    const building = { stacks: () => ({ stack, toolbox, states }), sandboxes, pipeline, storage, makeDiskRoom }
    const parts = { config, serverId, log, store, engine, router, doors, ...building, repositories, logs, outputs }
    life.use(await openWorker(createOwners(parts, life)))
    this.#worker = life
  }

  /** An orderly stop: what is under way is given back. */
  async stopWorker(): Promise<void> {
    await this.#worker?.[Symbol.asyncDispose]()
    this.#worker = undefined
  }

  /** The app's log lines that match, as `process: text`. */
  async logLines(app: SiteApp, pattern: RegExp): Promise<string[]> {
    const lines: string[] = []
    const filter = { lines: 1_000_000, follow: false }
    const reader = openAppLogReader({ directory: this.config.paths.logs })
    for await (const { process, text } of reader.read(app.id, filter, AbortSignal.timeout(10_000))) {
      lines.push(`${process}: ${text}`)
    }
    return lines.filter((line) => pattern.test(line))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopWorker()
    await this.#life.disposeAsync()
  }

  async #openRouter(): Promise<void> {
    const appLog = openAppLogWriter({ directory: this.config.paths.logs, log: this.log })
    this.#life.use(await runRouter({ config: this.config, version: '0', log: this.log, appLog }))
  }

  #pipeline(): RunPipeline {
    return async ({ appId, commit, configure, ...asked }, { output, clock, facts }, signal) => {
      const files = await filesOf(await this.repositories.archive(appId, commit, signal))
      const text = files.get('app.json')
      const appJson = text === undefined ? undefined : parseAppJson(text)
      const { buildpacks = [] } = { ...asked, ...(appJson && (await configure?.(appJson, signal))) }
      output.topic(['Building', ...buildpacks].join(' '))
      facts.sourceBytes = 4711
      await clock.time('compile', () => this.buildGate.pass(files.get('build') ?? '', signal))
      const processTypes = parseProcfile(files.get('Procfile') ?? '')
      return {
        image: this.#image,
        stack: 'debian-13',
        processTypes,
        buildpack: 'Test',
        size: 0,
        ...(appJson && { appJson }),
      }
    }
  }
}

/** What the file `build` of a commit says: `hold` waits until the test opens the gate, `fail REASON` fails, nothing passes. */
class BuildGate {
  /** How many builds have come to the gate. */
  arrived = 0
  #open = Promise.withResolvers<void>()

  open(): void {
    this.#open.resolve()
    this.#open = Promise.withResolvers()
  }

  async pass(step: string, signal: AbortSignal): Promise<void> {
    this.arrived += 1
    if (step.startsWith('fail ')) throw new PaasError('build_failed', `build failed: ${step.slice(5)}`)
    if (step !== 'hold') return
    const left = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
    )
    signal.throwIfAborted()
    await Promise.race([this.#open.promise, left])
  }
}

/** All that a build, or the command of a release, printed, once it has ended. */
export async function readOutput({ config }: Site, { id }: Build | Release): Promise<string> {
  const log = createLog('test', 'silent')
  await using reader = createOutputReader({ redis: config.redis, serverId: '-', log, directory: config.paths.builds })
  const chunks: Buffer[] = []
  for await (const { bytes } of reader.read(id, 0, AbortSignal.timeout(10_000))) chunks.push(bytes)
  return Buffer.concat(chunks).toString()
}

async function filesOf(tar: Readable): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  await forEachEntry(tar, async (entry) => void files.set(entry.header.name, await text(entry)))
  return files
}
