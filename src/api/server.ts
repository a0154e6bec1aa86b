import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { fastify, LogController } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { checkRole } from './http/access.ts'
import { accountRoutes } from './accounts/account.ts'
import { accountLimitRoutes } from './accounts/account-limits.ts'
import { accountsRoutes } from './accounts/accounts.ts'
import { addonAttachmentRoutes } from './addons/attachments.ts'
import { exposureRoutes } from './addons/exposure.ts'
import { addonActionRoutes } from './addons/own-actions.ts'
import { addonBackupRoutes } from './addons/archives.ts'
import { backupFileRoute } from './addons/backup-file.ts'
import { backupScheduleRoutes } from './addons/backup-schedules.ts'
import { backupRoutes } from './addons/backups.ts'
import { addonClientRoutes } from './addons/clients.ts'
import { postgresRoutes } from './addons/data-postgres.ts'
import { redisRoutes } from './addons/data-redis.ts'
import { addonRoutes } from './addons/addons.ts'
import { resolveRoutes } from './addons/resolve.ts'
import { addonServiceRoutes } from './addons/services.ts'
import { appDiskRoute } from './apps/app-disk.ts'
import { appMetricsRoute } from './apps/app-metrics.ts'
import { appSummaryRoutes } from './apps/app-summaries.ts'
import { appSetupRoutes } from './apps/app-setups.ts'
import { appTransferRoutes } from './apps/app-transfers.ts'
import { appRoutes } from './apps/apps.ts'
import { auditRoutes } from './audit/audit-entries.ts'
import { FailedLogins } from './audit/failed-logins.ts'
import { recordActs } from './audit/record.ts'
import { attachRoute, isAttach } from './dynos/attach.ts'
import { authorizationRoutes, loginRoute } from './accounts/authorizations.ts'
import { buildOutputRoute } from './builds/build-output.ts'
import { buildpackRegistryRoutes } from './builds/buildpack-registry.ts'
import { buildpackRoutes } from './builds/buildpacks.ts'
import { buildRoutes } from './builds/builds.ts'
import { CodeGuard } from './accounts/code-guard.ts'
import { collaboratorRoutes } from './apps/collaborators.ts'
import { configVarRoutes } from './apps/config-vars.ts'
import { followConventions, idOfRequest } from './http/conventions.ts'
import type { Api, ApiDeps } from './deps.ts'
import { dynoSizeRoutes } from './dynos/dyno-sizes.ts'
import { dynoRoutes } from './dynos/dynos.ts'
import { DomainProof } from './routing/domain-proof.ts'
import { volumeCopyRoutes } from './apps/volume-copies.ts'
import { volumeProofRoutes } from './apps/volume-proofs.ts'
import { volumeFileByUrlRoute, volumeFileUrlRoute } from './apps/volume-file-url.ts'
import { volumeFileRoutes } from './apps/volume-files.ts'
import { volumeRoutes } from './apps/volumes.ts'
import { acmRoutes } from './routing/acm.ts'
import { domainRoutes } from './routing/domains.ts'
import { drainRoutes } from './logs/drains.ts'
import { emptyListRoutes } from './server/empty-lists.ts'
import { answerError } from './http/error-answer.ts'
import { featureRoutes } from './apps/features.ts'
import { formationRoutes } from './dynos/formation.ts'
import { identifyByLogin, identifyByToken } from './accounts/identity.ts'
import { insideAddress } from './http/inside.ts'
import { loginLinkRoute } from './accounts/login-links.ts'
import { keyRoutes } from './accounts/keys.ts'
import { logSessionRoutes } from './logs/log-sessions.ts'
import { logStreamRoute } from './logs/log-stream.ts'
import { oneOffRoutes } from './dynos/one-offs.ts'
import { Passes } from './http/passes.ts'
import { PasswordGuard } from './accounts/password-guard.ts'
import { regionAndStackRoutes } from './server/regions-and-stacks.ts'
import { countRequest, RateLimit, rateLimitRoutes } from './http/rate-limit.ts'
import { releaseChangesRoute } from './builds/release-changes.ts'
import { releaseOutputRoute } from './builds/release-output.ts'
import { releaseRoutes } from './builds/releases.ts'
import { collectRoutes } from './http/routes.ts'
import { runImageRoutes } from './server/run-images.ts'
import { schemaRoute } from './server/schema.ts'
import { stackUpgradeRoutes } from './server/stack-upgrades.ts'
import { isTerminal } from '../model/terminal-path.ts'
import { checkScope } from './accounts/scopes.ts'
import { edgeRoutes } from './routing/edge.ts'
import { ownPageRoutes } from './routing/own-pages.ts'
import { doctorRoute } from './server/doctor.ts'
import { serverInfoRoute } from './server/server-info.ts'
import { serverMetricsRoute } from './server/server-metrics.ts'
import { serverBackupsRoute } from './server/server-backups.ts'
import { serverDiskRoute } from './server/server-disk.ts'
import { domainLookupRoute } from './routing/domain-lookups.ts'
import { serverStatusRoute } from './server/server-status.ts'
import { sessionRoutes } from './accounts/sessions.ts'
import { sourceFileRoutes, sourceRoutes } from './builds/sources.ts'
import { slugFileRoutes } from './builds/slug-files.ts'
import { slugRoutes } from './builds/slugs.ts'
import { httpsRoutes } from './routing/https.ts'
import { sniEndpointRoutes } from './routing/sni-endpoints.ts'
import { twoFactorRoutes } from './accounts/two-factor.ts'
import { answerUnknownRoutes } from './http/unknown-route.ts'
import { Validation } from './http/validation.ts'
import { publishAnswers } from './webhooks/webhook-events.ts'
import { webhookHistoryRoutes, webhookRoutes } from './webhooks/webhooks.ts'

const bodyLimit = 2 ** 20
/**
 * Milliseconds a client may take to send a request: as long as the largest push over a slow line,
 * see `GitLimits`.
 */
const requestTimeout = 3_600_000

const serverOptions = {
  maxHeaderSize: 64 * 1024,
  requestTimeout,
  shouldUpgradeCallback: (request: IncomingMessage) => isAttach(request) || isTerminal(request),
}

/**
 * The control host's HTTP server: git for repository paths, the dashboard for browsers, the
 * Platform API for all others.
 */
export function createApi(deps: ApiDeps & { git: Handler; dashboard?: Handler; terminal?: Upgrade }): Api {
  const validation = new Validation()
  const api = fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    // Fastify's own answer does not have the API's error format: see ./closing.ts.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1000 },
    frameworkErrors: (...failure) => void answerError(...failure),
    schemaController: { compilersFactory: validation.compilersFactory },
    genReqId: idOfRequest,
    serverFactory: (handler) => createServer(serverOptions, othersFirst([deps.git, deps.dashboard], handler)),
  }).withTypeProvider<TypeBoxTypeProvider>()
  const routes = collectRoutes(api)
  answerUnknownRoutes(api, routes)
  api.setErrorHandler(answerError)
  followConventions(api)
  api.addHook('preValidation', validation.load)
  schemaRoute(api, { ...deps, routes })
  addRoutes(api, deps)
  api.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isTerminal(request)) return
    if (deps.terminal) deps.terminal(request, socket, head)
    else socket.destroy()
  })
  return api
}

function addRoutes(api: Api, deps: ApiDeps): void {
  const { store } = deps
  const passes = new Passes(store.secretFor('signed paths'))
  const passwords = new PasswordGuard()
  const codes = new CodeGuard()
  const failures = new FailedLogins(store)
  const rateLimit = new RateLimit(deps.config.limits.apiRequestsPerHour)
  api.decorateRequest('identity')
  buildOutputRoute(api, { ...deps, passes })
  releaseOutputRoute(api, { ...deps, passes })
  logStreamRoute(api, { ...deps, passes })
  sourceFileRoutes(api, { ...deps, passes })
  slugFileRoutes(api, { ...deps, passes })
  backupFileRoute(api, { ...deps, passes })
  volumeFileByUrlRoute(api, { ...deps, passes })
  buildpackRegistryRoutes(api)
  attachRoute(api, deps)
  void api.register(async (login: Api) => {
    login.addHook('onRequest', async (request, reply) => {
      request.identity = await identifyByLogin({ store, passwords, codes, failures }, request)
      countRequest(rateLimit, request, reply)
    })
    recordActs(login, deps)
    loginRoute(login, deps)
  })
  void api.register(async (resources: Api) => {
    resources.addHook('onRequest', async (request, reply) => {
      request.identity = identifyByToken(store, request)
      countRequest(rateLimit, request, reply)
      checkScope(request)
      checkRole(store, request)
    })
    // When the request is answered, whoever lost a right by it has lost it.
    resources.addHook('onSend', async ({ method }) => {
      if (method !== 'GET' && method !== 'HEAD') deps.grants.review()
    })
    publishAnswers(resources, deps)
    recordActs(resources, deps)
    accountRoutes(resources, { store, passwords, codes })
    twoFactorRoutes(resources, { ...deps, passwords, codes })
    accountsRoutes(resources, deps)
    accountLimitRoutes(resources, deps)
    loginLinkRoute(resources, deps)
    rateLimitRoutes(resources, { limit: rateLimit })
    authorizationRoutes(resources, deps)
    sessionRoutes(resources, deps)
    keyRoutes(resources, deps)
    appTransferRoutes(resources, deps)
    featureRoutes(resources, deps)
    appRoutes(resources, deps)
    appSummaryRoutes(resources, deps)
    appSetupRoutes(resources, { ...deps, passes })
    collaboratorRoutes(resources, deps)
    configVarRoutes(resources, deps)
    buildpackRoutes(resources, deps)
    buildRoutes(resources, { ...deps, passes })
    releaseRoutes(resources, { ...deps, passes })
    releaseChangesRoute(resources, deps)
    slugRoutes(resources, { ...deps, passes })
    sourceRoutes(resources, { ...deps, passes })
    formationRoutes(resources, deps)
    dynoRoutes(resources, deps)
    dynoSizeRoutes(resources, deps)
    drainRoutes(resources, deps)
    const proof = new DomainProof({ config: deps.config, secret: store.secretFor('domain proof') })
    domainRoutes(resources, { ...deps, proof })
    sniEndpointRoutes(resources, deps)
    acmRoutes(resources, deps)
    httpsRoutes(resources, deps)
    webhookRoutes(resources, deps)
    webhookHistoryRoutes(resources, deps)
    oneOffRoutes(resources, deps)
    logSessionRoutes(resources, { ...deps, passes })
    appMetricsRoute(resources, deps)
    appDiskRoute(resources, deps)
    volumeRoutes(resources, deps)
    volumeCopyRoutes(resources, deps)
    volumeProofRoutes(resources, deps)
    volumeFileRoutes(resources, deps)
    volumeFileUrlRoute(resources, { ...deps, passes })
    serverMetricsRoute(resources, deps)
    serverStatusRoute(resources, deps)
    serverDiskRoute(resources, deps)
    serverBackupsRoute(resources, deps)
    domainLookupRoute(resources, deps)
    addonServiceRoutes(resources, deps)
    addonRoutes(resources, deps)
    addonAttachmentRoutes(resources, deps)
    resolveRoutes(resources, deps)
    addonClientRoutes(resources, deps)
    addonBackupRoutes(resources, deps)
    addonActionRoutes(resources, deps)
    exposureRoutes(resources, deps)
    postgresRoutes(resources, deps)
    backupRoutes(resources, { ...deps, passes })
    backupScheduleRoutes(resources, { ...deps, passes })
    redisRoutes(resources, deps)
    emptyListRoutes(resources)
    auditRoutes(resources, deps)
    edgeRoutes(resources, deps)
    ownPageRoutes(resources, deps)
    serverInfoRoute(resources, deps)
    doctorRoute(resources, deps)
    regionAndStackRoutes(resources, deps)
    runImageRoutes(resources, deps)
    stackUpgradeRoutes(resources, deps)
  })
}

/** Answers a request that wants to speak another protocol. */
type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Returns true for the requests that are its own: it answers them. */
type Handler = (request: IncomingMessage, response: ServerResponse) => boolean

/** These requests never meet Fastify, which would read git's bodies. */
function othersFirst(others: (Handler | undefined)[], rest: RequestListener): RequestListener {
  return (request, response) => {
    if (!others.some((handle) => handle?.(request, response))) rest(request, response)
  }
}

/** Asks the API without a connection, for the pages of this process: as a client that asks. */
export async function askApi(api: Api, question: Question): Promise<LightAnswer> {
  const { statusCode, headers, payload } = await api.inject({ ...question, remoteAddress: insideAddress })
  return { statusCode, headers, payload }
}

type Question = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  headers: Record<string, string>
  payload?: string
}
type LightAnswer = { statusCode: number; headers: object; payload: string }

/**
 * What may still be answered after the last new request, in milliseconds; a build's output is
 * followed again anyway.
 */
const closingTime = 3000

/** Takes no new requests, lets those in progress end, and cuts what lasts longer. */
export async function closeApi(api: Api): Promise<void> {
  const cut = setTimeout(() => api.server.closeAllConnections(), closingTime)
  await api.close()
  clearTimeout(cut)
}
