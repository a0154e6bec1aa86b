// Every route of the API has its shape in ./answers.ts, under the test file that shows it, from here. `TestApi.call` holds each
// successful answer of each test to it, strictly; ./every-route.test.ts fails for a route without one. For a new route:
// add it to answers.ts (copying what is missing into src/api/heroku), deviations to ./deviations.ts with the reason,
// and end the test file with `it('shows every route of its own', () => expectAllSeen('ROOM/NAME.test.ts'))`.
// A role other than the usual (see src/api/http/access.ts) goes into the list of exceptions in ./http/access.test.ts.
import { Readable } from 'node:stream'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Api } from '../../src/api/deps.ts'
import { askApi, closeApi, createApi } from '../../src/api/server.ts'
import { createStacks } from '../../src/build/stacks.ts'
import { loadConfig, type Config } from '../../src/config.ts'
import { connectContainers } from '../../src/containers/client.ts'
import { PaasError } from '../../src/errors.ts'
import { createContainers } from '../../src/containers/engine-containers.ts'
import { serveContainers } from '../../src/containers/server.ts'
import { DashboardFront } from '../../src/dashboard/front.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { createRepositories } from '../../src/git/bare-repositories.ts'
import { Grants } from '../../src/grants/grants.ts'
import type { Repositories } from '../../src/model/repositories.ts'
import { createLog } from '../../src/log.ts'
import { openBackupStorage } from '../../src/main/backup-storage.ts'
import { openMeasured } from '../../src/main/measured.ts'
import { openAppLogReader } from '../../src/logs/reader.ts'
import { openAppLogWriter } from '../../src/logs/writer.ts'
import type { Account } from '../../src/model/account.ts'
import type { App } from '../../src/model/app.ts'
import type { Build } from '../../src/model/build.ts'
import { newId, type AppId, type SlugId } from '../../src/model/ids.ts'
import type { Job } from '../../src/model/job.ts'
import type { Release } from '../../src/model/release.ts'
import type { Slug } from '../../src/model/slug.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { connectQueue, queueName } from '../../src/queue/connect-queue.ts'
import { createOutputReader } from '../../src/output/reader.ts'
import { keysOf } from '../../src/redis.ts'
import { Quotas } from '../../src/quotas/quotas.ts'
import { createPlatformLog } from '../../src/logs/platform-log.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { TestRedis } from '../queue/redis-server.ts'
import { expectShape } from './answers.ts'

export type Json = { [key: string]: Json } & Json[] & (string | number | boolean | null)
export type Answer = { status: number; headers: IncomingHttpHeaders; text: string; body: Json }
export type Options = { body?: unknown; headers?: Record<string, string>; token?: string | null }

/** The api on its Unix socket with the real record, queue, engine, asked as the worker is, and repositories, in a directory of its own. */
export class TestApi implements AsyncDisposable {
  readonly config: Config
  readonly store: Store
  readonly redis: TestRedis
  readonly engine: Engine
  readonly repositories: Repositories
  readonly serverId: string
  readonly admin: Account
  /** The admin's. */
  readonly token: string
  /** All there are, as `METHOD /path/:parameter`. */
  routes: string[] = []
  /** What the api asks about containers; gone when disposed. */
  readonly worker = new AsyncDisposableStack()
  readonly #life = new AsyncDisposableStack()

  private constructor(redis: TestRedis, env: Record<string, string>) {
    const directory = mkdtempSync(join(tmpdir(), 'paas-api-'))
    this.#life.defer(() => rmSync(directory, { recursive: true, force: true }))
    this.redis = this.#life.use(redis)
    this.config = loadConfig({
      ...process.env,
      PAAS_DATA: join(directory, 'data'),
      XDG_CONFIG_HOME: directory,
      ...env,
    })
    this.serverId = openDataDirectory(this.config).serverId
    const { paths } = this.config
    this.store = this.#life.use(openStore({ path: paths.database, keyPath: paths.key }))
    this.engine = connectDocker({ ...this.config, serverId: this.serverId, log: createLog('test', 'silent') })
    this.repositories = createRepositories({ directory: paths.repositories, limits: this.config.limits })
    this.admin = this.store.accounts.create({ email: 'admin@example.com', admin: true, password: 'correct horse' })
    this.token = this.tokenOf(this.admin)
  }

  static async start(env: Record<string, string> = {}): Promise<TestApi> {
    const test = new TestApi(await TestRedis.start(), env)
    await test.#serve()
    return test
  }

  /** One for all tests of the file that asks, at its top; disposed of after the last of them. */
  static async forFile(env: Record<string, string> = {}): Promise<TestApi> {
    const test = await TestApi.start(env)
    afterAll(() => test[Symbol.asyncDispose]())
    return test
  }

  async #serve(): Promise<void> {
    const { config, store, engine, repositories, serverId } = this
    const log = createLog('test', process.env['TEST_LOG'] ?? 'silent')
    const redis = { ...this.redis.deps, serverId }
    const queue = this.#life.use(connectQueue(redis))
    const output = this.#life.use(createOutputReader({ ...redis, directory: config.paths.builds }))
    const platformLog = createPlatformLog(this.#life.use(openAppLogWriter({ directory: config.paths.logs, log })))
    const appLog = openAppLogReader({ directory: config.paths.logs })
    const measured = this.#life.use(openMeasured({ paths: config.paths, log }))
    const git = () => false
    const record = {
      store,
      grants: this.#life.use(new Grants(store)),
      quotas: new Quotas({ store, repositories: this.repositories, quota: config.accountQuota }),
      platformLog,
      appLog,
      measured,
      outbound: createOutbound(config),
    }
    const stacks = createStacks({ engine, config })
    const storage = openBackupStorage({ config, store, serverId })
    const sandboxes = { without: (_: AppId, work: () => Promise<void>) => work() }
    const socketPath = config.paths.containersSocket
    const none = async () => Promise.reject(new PaasError('volume_missing', 'There are no volumes.'))
    const volumes = { read: none, download: async () => Readable.from(['tar']), upload: async () => undefined }
    const makeDiskRoom = async () => undefined
    const ofWorker = createContainers({ engine, stacks, sandboxes, storage, volumes, makeDiskRoom, serverId })
    this.#life.use(this.worker).use(await serveContainers({ socketPath, containers: ofWorker, log }))
    const containers = connectContainers(socketPath)
    const front = new DashboardFront({ config, store, ask: (asked) => askApi(api, asked), log })
    const dashboard: DashboardFront['handle'] = (...exchange) => front.handle(...exchange)
    const terminal: DashboardFront['openTerminal'] = (...asked) => front.openTerminal(...asked)
    const api: Api = createApi({
      config,
      ...record,
      queue,
      containers,
      repositories,
      output,
      git,
      dashboard,
      terminal,
      log,
    })
    this.#life.defer(() => closeApi(api))
    this.#life.use(front)
    await api.listen({ path: config.paths.apiSocket })
    this.routes = listRoutes(api.printRoutes({ commonPrefix: false }))
  }

  tokenOf(account: Account, scope = ['global']): string {
    return this.store.tokens.create({ accountId: account.id, description: 'test', scope }).secret
  }

  /** A stranger with an account, and their token. Without a password: to hash one takes a third of a second. */
  stranger(email = 'stranger@example.com', password?: string): { account: Account; token: string } {
    const account = this.store.accounts.create({ email, admin: false, ...(password === undefined ? {} : { password }) })
    return { account, token: this.tokenOf(account) }
  }

  /** One request, as the admin unless another token or null (none) is given. A string or Buffer body is sent as it is. */
  call(method: string, path: string, { body, headers = {}, token = this.token }: Options = {}): Promise<Answer> {
    const raw = typeof body === 'string' || Buffer.isBuffer(body) || body === undefined
    return new Promise((settle, fail) => {
      const outgoing = httpRequest(
        {
          socketPath: this.config.paths.apiSocket,
          method,
          path,
          agent: false,
          headers: {
            host: 'localhost',
            accept: 'application/vnd.heroku+json; version=3',
            ...(token === null ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
        },
        (incoming) => {
          let text = ''
          incoming.setEncoding('utf8')
          incoming.on('data', (chunk: string) => (text += chunk))
          incoming.on('error', fail)
          incoming.on('end', () => {
            const isJson = incoming.headers['content-type']?.startsWith('application/json') === true && text !== ''
            const { statusCode: status = 0, headers: answered } = incoming
            const answer = { status, headers: answered, text, body: (isJson ? JSON.parse(text) : null) as Json }
            try {
              if (method !== 'HEAD') expectShape(routeOf(this.routes, method, path), answer)
              settle(answer)
            } catch (wrong) {
              fail(wrong as Error)
            }
          })
        },
      )
      outgoing.on('error', fail)
      outgoing.end(raw ? (body as string | Buffer | undefined) : JSON.stringify(body))
    })
  }

  /** What the app's log shows now. */
  async logOf(app: string): Promise<string> {
    const { body } = await this.call('POST', `/apps/${app}/log-sessions`, { body: { lines: 1500 } })
    const { pathname, search } = new URL(String(body['logplex_url']))
    return (await this.call('GET', `${pathname}${search}`, { token: null })).text
  }

  async createApp(name?: string, token = this.token): Promise<Json> {
    const { status, body } = await this.call('POST', '/apps', { body: name === undefined ? {} : { name }, token })
    if (status !== 201) throw new Error(`no app: ${status} ${JSON.stringify(body)}`)
    return body
  }

  /** The record of an app that was just created; its job is taken. */
  async newApp(name?: string): Promise<App> {
    const created = await this.createApp(name)
    await this.takeJobs()
    return this.store.apps.find(String(created['name']))!
  }

  /**
   * The app as if a build of it had been deployed: with a slug, a release that is current, and a formation of web and
   * worker. Gives the release's id.
   */
  deploy(
    app: App,
    commit = 'a'.repeat(40),
    processTypes: Slug['processTypes'] = { web: 'npm start', worker: 'node worker.js' },
  ): { build: Build; slug: Slug; release: Release } {
    const { builds, slugs, releases, apps, formations, configVars } = this.store
    const owned = { appId: app.id, accountId: app.ownerId }
    const asked = { ...owned, commit, ref: 'refs/heads/main', previousCommit: null, noCache: false, detached: false }
    const { id } = builds.claim(builds.create(asked).build.id)!
    const slug: Slug = {
      id: newId<SlugId>(),
      appId: app.id,
      buildId: id,
      commit,
      image: `sha256:${commit.slice(0, 1).repeat(64)}`,
      stack: 'debian-13',
      processTypes,
      buildpack: 'Node.js',
      size: 4711,
      createdAt: new Date(),
    }
    builds.recordSlug(id, 1, slug)
    const description = `Deploy ${commit.slice(0, 8)}`
    const release = releases.create({ ...owned, slugId: slug.id, description, config: configVars.get(app.id) })
    builds.recordRelease(id, 1, release.id)
    formations.sync(app.id, ['web', 'worker'])
    apps.setCurrentRelease(app.id, release.id)
    builds.finish(id, 1, { kind: 'succeeded', finishedAt: new Date() })
    return { build: builds.find(id)!, slug: slugs.find(slug.id)!, release: releases.find(release.id)! }
  }

  /** The jobs that were added since the last look, in their order. */
  async takeJobs(): Promise<Job[]> {
    const waiting = `${keysOf(this.serverId).prefix}:${queueName}:wait`
    const ids = (await this.redis.command('LRANGE', waiting, '0', '-1')) as string[]
    await this.redis.command('DEL', waiting)
    const key = (id: string): string => `${keysOf(this.serverId).prefix}:${queueName}:${id}`
    const data = ids.toReversed().map((id) => this.redis.command('HGET', key(id), 'data'))
    return (await Promise.all(data)).map((text) => JSON.parse(String(text)) as Job)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life.disposeAsync()
  }
}

/** The route that answers a path: of those that match the one with the fewest parameters. */
function routeOf(routes: string[], method: string, path: string): string {
  const asked = `${method} ${path.split('?')[0]}`
  const pattern = (route: string) => new RegExp(`^${route.replaceAll(/:\w+/g, '[^/]+')}$`)
  const parameters = (route: string) => route.split(':').length
  const matching = routes.filter((route) => pattern(route).test(asked))
  return matching.toSorted((a, b) => parameters(a) - parameters(b))[0] ?? asked
}

/** Reads Fastify's drawing: one line per path, with its methods in brackets at the end. */
function listRoutes(drawing: string): string[] {
  const path: string[] = []
  return drawing.split('\n').flatMap((line) => {
    const [, indent = '', part, methods] = /^([│ ├└─]*)(\S+)(?: \((.+)\))?/.exec(line) ?? []
    if (part === undefined) return []
    path.splice(indent.length / 4 - 1)
    path.push(part)
    return (methods ?? '')
      .split(', ')
      .filter(Boolean)
      .map((method) => `${method} ${path.join('')}`)
  })
}
