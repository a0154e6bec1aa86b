import type { GitLimits } from './limits.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { asPaasError, PaasError } from '../errors.ts'
import type { Grants } from '../grants/grants.ts'
import type { Logger } from '../log.ts'
import { clientIn, clientNetwork } from '../model/client-network.ts'
import { authorize, type AuthorizeDeps } from './authorize.ts'
import { checkDiskSpace } from '../source/disk-space.ts'
import { isGitPath, parseGitRequest, type GitService } from './git-request.ts'
import { advertiseRefs } from './git-service.ts'
import type { Maintenance } from './maintenance.ts'
import type { Queue } from '../queue/queue.ts'
import { TransferSlots } from '../source/transfer-slots.ts'
import type { Pushes } from './pushes.ts'
import { answerRefusal } from './refusals.ts'
import type { Repositories } from '../model/repositories.ts'
import { ClientGone } from '../source/body.ts'
import { checkMediaType } from './media-type.ts'
import type { UnclaimedPacks } from './unclaimed-packs.ts'
import type { SameCommitDeps } from './same-commit.ts'
import { serveFetch } from './serve-fetch.ts'
import { servePush, type ServePushOptions } from './serve-push.ts'

export type GitHandlerDeps = AuthorizeDeps &
  SameCommitDeps & {
    grants: Pick<Grants, 'hold'>
    repositories: Pick<Repositories, 'countTags' | 'ensure' | 'resolve'>
    pushes: Pushes
    maintenance: Pick<Maintenance, 'afterPush'>
    unclaimed: Pick<UnclaimedPacks, 'watch'>
    queue: Pick<Queue, 'expect'>
    quotas: ServePushOptions['quotas']
    /** Room for a build, where builds are. @throws disk_full */
    makeDiskRoom: () => Promise<void>
    log: Logger
    limits: GitLimits
  }

/** Requests that have sent no list of refs yet: they hold little, but a connection each. */
const mostBeginnings = { perApp: 20, perAccount: 40 }

/**
 * The gate in front of node-git-server, which must never meet a socket itself. Returns true when
 * the request is for a repository: it is answered then. Every request is authenticated and
 * authorised before git sees it.
 */
export function createGitHandler(deps: GitHandlerDeps): (req: IncomingMessage, res: ServerResponse) => boolean {
  const slots = new TransferSlots(deps.limits)
  const beginnings = new TransferSlots(mostBeginnings, 'pushes that have not begun')
  return (req, res) => {
    if (!isGitPath(req.url)) return false
    // A client that disconnects is reported where it matters. Here the error must only not end the
    // process.
    req.on('error', () => undefined)
    res.on('error', () => undefined)
    void serve(deps, { slots, beginnings }, req, res).catch((cause: unknown) => fail(deps.log, req, res, cause))
    return true
  }
}

async function serve(
  deps: GitHandlerDeps,
  { slots, beginnings }: { slots: TransferSlots; beginnings: TransferSlots },
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const request = parseGitRequest(req)
  const { account, app, grant } = authorize(deps, { header: req.headers.authorization, ...request })
  if (request.kind === 'rpc') checkMediaType(req, request.service)
  const repository = await deps.repositories.ensure(app.id)
  if (request.kind === 'refs') {
    // A refusal of the whole service is sent here: git shows the text of an error only for this
    // request.
    using _slot = slots.take(app, account)
    if (request.service === 'receive-pack') {
      await checkDiskSpace(repository, deps.limits.freeBytes)
      await deps.makeDiskRoom()
    }
    const refs = await advertiseRefs(request.service, repository)
    setHeaders(res, request.service, 'advertisement')
    return void res.end(refs)
  }
  using access = deps.grants.hold(grant)
  setHeaders(res, request.service, 'result')
  if (request.service === 'receive-pack') {
    const from = {
      token: grant.token?.id ?? null,
      client: clientNetwork(clientIn(req.headers['x-forwarded-for'])) || null,
    }
    return await servePush({ ...deps, slots, beginnings, account, app, access, from, repository, req, res })
  }
  using _slot = slots.take(app, account)
  access.signal.addEventListener('abort', () => res.destroy())
  await serveFetch({ repository, req, res, limits: deps.limits })
}

function setHeaders(res: ServerResponse, service: GitService, kind: 'advertisement' | 'result'): void {
  res.setHeader('Content-Type', `application/x-git-${service}-${kind}`)
  res.setHeader('Cache-Control', 'no-cache, max-age=0, must-revalidate')
}

async function fail(log: Logger, req: IncomingMessage, res: ServerResponse, cause: unknown): Promise<void> {
  if (cause instanceof ClientGone) return
  const error: PaasError = asPaasError(cause)
  if (error.fault === 'server') log.error({ err: cause, path: req.url }, 'git request failed')
  if (res.headersSent) res.destroy()
  else await answerRefusal(req, res, error)
}
