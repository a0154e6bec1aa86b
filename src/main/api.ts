import { chmodSync, rmSync } from 'node:fs'
import type { Api } from '../api/deps.ts'
import { welcomeAdmin } from '../api/accounts/admin.ts'
import { askApi, closeApi, createApi } from '../api/server.ts'
import { Passes } from '../api/http/passes.ts'
import { describeChange } from '../api/webhooks/webhook-changes.ts'
import { connectContainers } from '../containers/client.ts'
import { DashboardFront } from '../dashboard/front.ts'
import { PaasError } from '../errors.ts'
import { createRepositories } from '../git/bare-repositories.ts'
import { isolateEnvironment } from '../git/environment.ts'
import { serveGit } from '../git/serve-git.ts'
import { Grants } from '../grants/grants.ts'
import { ownLogins, supervisorsLogins } from '../logins.ts'
import { openAppLogReader } from '../logs/reader.ts'
import { openAppLogWriter } from '../logs/writer.ts'
import { createOutbound } from '../outbound/outbound.ts'
import { connectQueue } from '../queue/connect-queue.ts'
import { createOutputReader } from '../output/reader.ts'
import { Quotas } from '../quotas/quotas.ts'
import { createPlatformLog } from '../logs/platform-log.ts'
import { Webhooks } from '../webhooks/webhooks.ts'
import { openMeasured } from './measured.ts'
import { openRecord } from './open-record.ts'
import { recordOwnAct } from './own-acts.ts'
import { runRole } from './run-role.ts'

export const run = (): Promise<void> =>
  runRole('api', 'control', async ({ config, serverId, log, note }) => {
    const { paths, redis, limits } = config
    isolateEnvironment(paths)
    await using life = new AsyncDisposableStack()
    const store = life.use(openRecord({ config, log, note }))
    const grants = life.use(new Grants(store))
    const queue = life.use(connectQueue({ redis, serverId, log }))
    const output = life.use(createOutputReader({ redis, serverId, log, directory: paths.builds }))
    const platformLog = createPlatformLog(life.use(openAppLogWriter({ directory: paths.logs, log })))
    const appLog = openAppLogReader({ directory: paths.logs })
    const measured = life.use(openMeasured({ paths, log }))
    const containers = connectContainers(paths.containersSocket)
    const repositories = createRepositories({ directory: paths.repositories, limits })
    const quotas = new Quotas({ store, repositories, quota: config.accountQuota })
    const makeDiskRoom = () => containers.makeDiskRoom().catch(unlessAway)
    const git = await serveGit({ config, store, grants, quotas, repositories, queue, output, makeDiskRoom, log })
    const outbound = createOutbound(config)
    const passes = new Passes(store.secretFor('signed paths'))
    const describe = describeChange.bind(undefined, { store, config, passes, grants })
    recordOwnAct({ store, log }, 'server.start')
    life.use(new Webhooks({ store, outbound, describe, log }))
    const dashboard: DashboardFront = new DashboardFront({ config, store, ask: (asked) => askApi(api, asked), log })
    const api: Api = createApi({
      config,
      store,
      grants,
      quotas,
      queue,
      containers,
      repositories,
      output,
      platformLog,
      appLog,
      measured,
      outbound,
      git: (...request) => git.handle(...request),
      dashboard: (...request) => dashboard.handle(...request),
      terminal: (...request) => dashboard.openTerminal(...request),
      log,
    })
    life.defer(() => closeApi(api))
    life.use(dashboard)
    // Disposed before the api, so that pushes in progress get their last lines while their
    // connections are open.
    life.use(git)
    const logins = process.connected ? supervisorsLogins() : ownLogins(config)
    await welcomeAdmin({ store, config, log, logins, note })
    // A killed api leaves its socket behind. The supervisor's lock ensures that nobody uses it.
    rmSync(paths.apiSocket, { force: true })
    await api.listen({ path: paths.apiSocket })
    chmodSync(paths.apiSocket, 0o660)
    return life.move()
  })

/** A push is taken while no worker runs: that makes room before it builds, too. */
function unlessAway(cause: unknown): void {
  if (!(cause instanceof PaasError) || cause.code === 'disk_full') throw cause
}

if (import.meta.main) await run()
