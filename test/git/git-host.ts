import type { GitLimits } from '../../src/git/limits.ts'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRepositories } from '../../src/git/bare-repositories.ts'
import { isolateEnvironment } from '../../src/git/environment.ts'
import { serveGit } from '../../src/git/serve-git.ts'
import { Grants } from '../../src/grants/grants.ts'
import type { App } from '../../src/model/app.ts'
import { connectQueue } from '../../src/queue/connect-queue.ts'
import { createOutputReader } from '../../src/output/reader.ts'
import { limited, type Quota } from '../../src/model/quota.ts'
import { Quotas } from '../../src/quotas/quotas.ts'
import { openStore } from '../../src/store/open.ts'
import { TestRepository } from '../helpers/repository.ts'
import { TestRedis } from '../queue/redis-server.ts'
import { BuildSite, type Script } from './build-site.ts'

export type HostOptions = {
  limits?: Partial<GitLimits>
  packBytes?: number
  repositoryBytes?: number
  quota?: Partial<Quota>
  hooks?: string
  /** That of a host before it; else one of its own. */
  directory?: string
  makeDiskRoom?: () => Promise<void>
}

export type Project = AsyncDisposable & { app: App; repository: TestRepository }
export type GitHost = Awaited<ReturnType<typeof startGitHost>>

const noQuota = Object.fromEntries(limited.map((what) => [what, null])) as Quota

/** The git part of a server: real git, store, queue and HTTP; only what a build does is the test's. */
export async function startGitHost(options: HostOptions = {}) {
  await using life = new AsyncDisposableStack()
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'paas-git-')))
  if (options.directory === undefined) life.defer(() => rm(directory, { recursive: true, force: true }))
  const redis = life.use(await TestRedis.start())
  const store = life.use(openStore({ path: join(directory, 'paas.db'), keyPath: join(directory, 'key') }))
  const { packBytes = 50 * 2 ** 20, repositoryBytes = 2 ** 30 } = options
  const repositories = createRepositories({
    directory,
    limits: { packBytes, repositoryBytes, sourceBytes: 2 ** 30, sourceFiles: 10_000 },
    ...(options.hooks === undefined ? {} : { hooks: options.hooks }),
  })
  const outputs = join(directory, 'builds')
  const builds = life.use(
    new BuildSite({
      store,
      repositories,
      queue: redis.deps,
      directory: outputs,
    }),
  )
  const hookSocket = join(directory, 'run/hook.sock')
  const socketBefore = process.env['PAAS_HOOK_SOCKET']
  isolateEnvironment({ hookSocket })
  // Hosts of one test may follow each other; the environment is that of the process.
  life.defer(() => void (process.env['PAAS_HOOK_SOCKET'] = socketBefore))
  const git = life.use(
    await serveGit({
      config: { paths: { hookSocket, repositories: directory }, limits: { packBytes, repositoryBytes } },
      store,
      grants: life.use(new Grants(store)),
      quotas: new Quotas({ store, repositories, quota: { ...noQuota, ...options.quota } }),
      repositories,
      queue: life.use(connectQueue(redis.deps)),
      output: life.use(createOutputReader({ ...redis.deps, directory: outputs })),
      makeDiskRoom: options.makeDiskRoom ?? (async () => undefined),
      log: redis.deps.log,
      ...(options.limits && { limits: options.limits }),
    }),
  )
  const server = createServer((req, res) => {
    if (!git.handle(req, res)) res.writeHead(418).end('not git\n')
  })
  server.requestTimeout = 0
  await once(server.listen(0, '127.0.0.1'), 'listening')
  life.defer(async () => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  })
  const { port } = server.address() as AddressInfo
  const owner = newUser('owner@example.com')
  const kept = life.move()

  function newUser(email: string, { admin = false, scope = ['global'] } = {}) {
    const account = store.accounts.find(email) ?? store.accounts.create({ email, admin })
    const { secret } = store.tokens.create({ accountId: account.id, description: 'test', scope })
    return { account, secret }
  }

  let count = 0
  return {
    directory,
    redis,
    store,
    repositories,
    builds,
    git,
    port,
    hookSocket,
    owner,
    newUser,
    newApp: (ownerId = owner.account.id): App =>
      store.apps.create({ name: `app-${++count}`, ownerId, stack: 'debian-13' }),
    url: (app: App, secret = owner.secret) => `http://git:${secret}@127.0.0.1:${port}/${app.name}.git`,
    repositoryPath: (app: App) => join(directory, `${app.id}.git`),
    /** An app and a developer's repository with one commit and the remote `paas`. */
    async newProject(script?: Script): Promise<Project> {
      const app = this.newApp()
      if (script) builds.scripts.set(app.id, script)
      const repository = await TestRepository.empty()
      await repository.write('index.html', 'hello\n')
      await repository.commit('First')
      await repository.git('remote', 'add', 'paas', this.url(app))
      return { app, repository, [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose]() }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
