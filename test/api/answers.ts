import { limited } from '../../src/model/quota.ts'
import { Type, type TSchema } from 'typebox'
import { expect } from 'vitest'
import { ownProblems, schemaProblems } from './heroku-schema.ts'
import type { Answer, Json } from './test-api.ts'

/**
 * What a route answers: one of Heroku's resources, a list of them, a resource with more than Heroku's or a shape of our
 * own and why, no JSON but one of these types of content, or always this error and why.
 */
type Shape =
  | string
  | [string]
  | { is: string; adds: string; because: string }
  | { own: TSchema; because: string }
  | { text: string[] }
  | { refuses: string; because: string }

const closed = { additionalProperties: false }
const buildResult = Type.Object(
  {
    build: Type.Object({ id: Type.String(), output_stream_url: Type.String(), status: Type.String() }, closed),
    exit_code: Type.Union([Type.Integer(), Type.Null()]),
    lines: Type.Array(Type.Object({ line: Type.String(), stream: Type.String() }, closed)),
  },
  closed,
)
const count = Type.Integer({ minimum: 0 })
const amount = Type.Number({ minimum: 0 })
const counts = (keys: string): TSchema => Type.Record(Type.String({ pattern: keys }), count)
const figures = {
  bytes: count,
  codes: counts('^H\\d\\d$'),
  dynos: Type.Union([
    Type.Null(),
    Type.Object(
      { cpu: Type.Union([Type.Null(), amount]), largest_memory: count, memory: count, quantity: count },
      closed,
    ),
  ]),
  errors: count,
  latency: Type.Union([Type.Null(), Type.Object({ mean: amount, p50: amount, p95: amount, p99: amount }, closed)]),
  requests: count,
  statuses: counts('^[1-5]xx$'),
}
const appDisk = Type.Object(
  {
    app: Type.Object({ id: Type.String(), name: Type.String() }, closed),
    image_bytes: Type.Number(),
    cache_bytes: Type.Union([Type.Number(), Type.Null()]),
    repository_bytes: Type.Number(),
    log_bytes: Type.Number(),
    volumes: Type.Array(
      Type.Object({ name: Type.String(), used_bytes: Type.Union([Type.Number(), Type.Null()]) }, closed),
    ),
    total_bytes: Type.Number(),
  },
  closed,
)
const door = { networks: Type.Array(Type.String()), port: count }
const exposure = Type.Object(
  {
    exposed: Type.Union([Type.Object({ ...door, host: Type.String(), url: Type.String() }, closed), Type.Null()]),
    id: Type.String(),
    name: Type.String(),
  },
  closed,
)
const exposures = Type.Array(Type.Object({ ...door, name: Type.String() }, closed))
const ofDoors = 'Heroku has no way to open one database to networks'
const ofPlan = Type.Object({ most: Type.Union([count, Type.Null()]), used: Type.Union([count, Type.Null()]) }, closed)
const appMetrics = Type.Object(
  {
    addons: Type.Array(
      Type.Object(
        {
          connections: ofPlan,
          disk: ofPlan,
          id: Type.String(),
          memory: ofPlan,
          name: Type.String(),
          read_only: Type.Boolean(),
          since: Type.Union([Type.String(), Type.Null()]),
        },
        closed,
      ),
    ),
    app: Type.Object({ id: Type.String(), name: Type.String() }, closed),
    begin_at: Type.String(),
    end_at: Type.String(),
    period: Type.Union([Type.Literal('hour'), Type.Literal('day'), Type.Literal('week')]),
    points: Type.Array(Type.Object({ at: Type.String(), ...figures }, closed)),
    resolution: count,
    totals: Type.Object(figures, closed),
  },
  closed,
)
const accountLimits = Type.Record(
  Type.Enum([...limited]),
  Type.Object({ limit: Type.Union([count, Type.Null()]), used: count, given: Type.Boolean() }, closed),
)
const ofDataApi = "Heroku's data API has no published schema; this is what its command reads"
const someText = Type.String()
const saying = Type.Object({ message: someText }, closed)
const addonClient = Type.Object({ attach_url: someText, created_at: someText, id: someText, name: someText }, closed)
const infoLines = Type.Array(Type.Object({ name: someText, values: Type.Array(someText) }, closed))
const addonInfo = Type.Object({ name: someText, info: infoLines }, closed)
const orNull = (shape: TSchema) => Type.Union([shape, Type.Null()])
const addonBackup = Type.Object(
  {
    id: someText,
    kind: someText,
    status: someText,
    name: orNull(someText),
    bytes: orNull(Type.Number()),
    reason: orNull(someText),
    started_at: someText,
    ended_at: orNull(someText),
  },
  closed,
)
const proven = { at: someText, backup: orNull(someText) }
const addonBackups = Type.Object(
  {
    addon: Type.Object({ id: someText, name: someText }, closed),
    app: Type.Object({ id: someText, name: someText }, closed),
    service: someText,
    kind: someText,
    schedule: orNull(someText),
    window_days: orNull(Type.Number()),
    window: orNull(Type.Object({ from: someText, to: someText }, closed)),
    hole: orNull(someText),
    recovery_point_seconds: orNull(Type.Number()),
    bytes: Type.Number(),
    where: orNull(someText),
    provable: Type.Boolean(),
    last_good: orNull(addonBackup),
    last_failed: orNull(addonBackup),
    last_proven: orNull(Type.Object({ ...proven, compared: Type.Boolean() }, closed)),
    last_disproven: orNull(Type.Object({ ...proven, reason: someText }, closed)),
    problem: orNull(someText),
    backups: Type.Array(addonBackup),
  },
  closed,
)
const addonProof = Type.Object(
  {
    id: someText,
    status: someText,
    backup: orNull(someText),
    compared: orNull(Type.Boolean()),
    reason: orNull(someText),
    created_at: someText,
    ended_at: orNull(someText),
  },
  closed,
)
const database = Type.Object(
  {
    addon: someText,
    app: someText,
    plan: someText,
    created_at: someText,
    following: Type.Null(),
    forked_from: Type.Null(),
    num_bytes: Type.Null(),
    postgres_version: someText,
    info: infoLines,
    resource_url: someText,
  },
  closed,
)
const waitStatus = Type.Object({ 'waiting?': Type.Boolean(), 'error?': Type.Boolean(), message: someText }, closed)
const numberOrNull = Type.Union([Type.Number(), Type.Null()])
const upgradeStatus = Type.Union([
  waitStatus,
  Type.Object(
    {
      ...waitStatus.properties,
      step: someText,
      rehearsed_seconds: numberOrNull,
      longest_hold_seconds: numberOrNull,
      replaced_by: Type.Union([Type.String(), Type.Null()]),
      version: someText,
    },
    closed,
  ),
])
const textOrNull = Type.Union([Type.String(), Type.Null()])
const dataTransfer = Type.Object(
  {
    uuid: someText,
    num: count,
    from_name: someText,
    from_type: Type.Enum(['pg_dump', 'gof3r']),
    from_url: Type.Null(),
    to_name: someText,
    to_type: Type.Enum(['pg_restore', 'gof3r']),
    to_url: textOrNull,
    options: Type.Object({}, closed),
    source_bytes: Type.Null(),
    processed_bytes: count,
    warnings: count,
    succeeded: Type.Boolean(),
    schedule: Type.Union([Type.Null(), Type.Object({ uuid: someText }, closed)]),
    created_at: someText,
    updated_at: someText,
    started_at: textOrNull,
    finished_at: textOrNull,
    canceled_at: textOrNull,
    logs: Type.Optional(Type.Array(Type.Object({ created_at: someText, message: someText }, closed))),
  },
  closed,
)
const backupSchedule = Type.Object(
  {
    uuid: someText,
    addon_id: someText,
    name: someText,
    hour: count,
    timezone: someText,
    days: Type.Array(someText),
  },
  closed,
)
const backupUrl = Type.Object({ url: someText, expires_at: someText }, closed)
const notRunning = { refuses: 'invalid_params', because: 'no add-on runs in these tests; test/heroku has its answers' }
const noUpgrade = { refuses: 'invalid_params', because: 'there is one version of Redis' }
const credential = Type.Object(
  {
    uuid: someText,
    name: someText,
    state: someText,
    database: someText,
    host: someText,
    port: count,
    credentials: Type.Array(
      Type.Object({ user: someText, password: someText, state: someText, connections: Type.Null() }, closed),
    ),
  },
  closed,
)
const redis = Type.Object(
  {
    created_at: someText,
    info: Type.Array(Type.Object({ name: someText, values: someText }, closed)),
    plan: someText,
    prefer_native_tls: Type.Boolean(),
    resource_url: someText,
  },
  closed,
)
const session = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    description: Type.String(),
    expires_in: Type.Union([Type.Integer(), Type.Null()]),
    created_at: Type.String({ format: 'date-time' }),
    updated_at: Type.String({ format: 'date-time' }),
  },
  closed,
)
const someone = Type.Object({ id: Type.String(), email: Type.String() }, closed)
const at = Type.String({ format: 'date-time' })
const appSummary = Type.Object(
  {
    app: Type.Object({ id: Type.String(), name: Type.String() }, closed),
    build: Type.Union([
      Type.Null(),
      Type.Object(
        {
          commit: Type.Union([Type.Null(), Type.String()]),
          created_at: at,
          finished_at: Type.Union([Type.Null(), at]),
          id: Type.String(),
          state: Type.String(),
          user: someone,
        },
        closed,
      ),
    ]),
    dynos: Type.Object({ wanted: count, up: count, starting: count, crashed: count, down: count }, closed),
    maintenance: Type.Boolean(),
    owner: someone,
    release: Type.Union([
      Type.Null(),
      Type.Object(
        {
          commit: Type.Union([Type.Null(), Type.String()]),
          created_at: at,
          description: Type.String(),
          id: Type.String(),
          user: someone,
          version: count,
        },
        closed,
      ),
    ]),
    state: Type.String(),
    traffic: Type.Object({ per_minute: Type.Array(count), p95: Type.Union([Type.Null(), amount]) }, closed),
    web_url: Type.String(),
  },
  closed,
)
const keys = Type.Array(Type.String())
const commitOrNone = Type.Union([Type.Null(), Type.String()])
const numbered = Type.Object({ id: Type.String(), version: count }, closed)
const releaseChanges = Type.Object(
  {
    code: Type.Object({ from: commitOrNone, is_same: Type.Boolean(), to: commitOrNone }, closed),
    config: Type.Object({ added: keys, changed: keys, removed: keys }, closed),
    release: numbered,
    since: Type.Union([Type.Null(), numbered]),
  },
  closed,
)
const summarised = 'Heroku puts what an app is doing together in its own pages'
const buildpack = Type.Object(
  {
    blob_url: Type.String(),
    category: Type.String(),
    created_at: Type.String(),
    description: Type.String(),
    id: Type.String({ format: 'uuid' }),
    license: Type.String(),
    logo: Type.Object({ small: Type.Null() }, closed),
    name: Type.String(),
    namespace: Type.String(),
    published_status: Type.String(),
    source: Type.Object({ type: Type.String(), owner: Type.String(), repo: Type.String() }, closed),
    support: Type.Object({ method: Type.String(), address: Type.Null() }, closed),
    updated_at: Type.String(),
  },
  closed,
)
const buildpacks = Type.Array(buildpack)
const revision = Type.Object(
  {
    created_at: Type.String(),
    id: Type.String({ format: 'uuid' }),
    license: Type.String(),
    release: Type.Integer(),
    status: Type.String(),
    updated_at: Type.String(),
  },
  closed,
)
const revisions = Type.Array(revision)
const readme = Type.Object({ content: Type.String(), encoding: Type.String() }, closed)
const empty = Type.Object({}, closed)
const serverInfo = Type.Object(
  {
    url: Type.String(),
    tls: Type.Union([
      Type.Null(),
      Type.Object({ port: count, authority: Type.Union([Type.String(), Type.Null()]) }, closed),
    ]),
  },
  closed,
)
const noEdge = 'Heroku has no such settings but for enterprises'
const networks = Type.Array(Type.String())
const orNone = Type.Union([count, Type.Null()])
const edge = Type.Object(
  {
    allow: networks,
    deny: networks,
    users: Type.Array(Type.String()),
    body_bytes: orNone,
    answer_seconds: orNone,
    idle_seconds: orNone,
    protocol: Type.String(),
  },
  closed,
)
const edgeUser = Type.Object({ name: Type.String(), password: Type.Union([Type.String(), Type.Null()]) }, closed)
const orText = Type.Union([Type.String(), Type.Null()])
const ownPages = Type.Array(
  Type.Object(
    {
      kind: Type.Union([Type.Literal('error'), Type.Literal('maintenance')]),
      config_var: Type.String(),
      status: Type.Union(['shown', 'pending', 'failed'].map((status) => Type.Literal(status))),
      bytes: orNone,
      fetched_at: orText,
      asked_at: orText,
      problem: orText,
    },
    closed,
  ),
)
const finding = Type.Object(
  {
    name: Type.String(),
    state: Type.Union(['good', 'warning', 'bad', 'unknown'].map((state) => Type.Literal(state))),
    message: Type.String(),
    advice: Type.Union([Type.String(), Type.Null()]),
  },
  closed,
)
const findings = Type.Object(
  { checked_at: Type.Union([Type.String(), Type.Null()]), findings: Type.Array(finding) },
  closed,
)
const serverBackups = Type.Object(
  {
    backups: Type.Array(
      Type.Object(
        {
          added_bytes: orNull(count),
          apps: orNull(count),
          bytes: orNull(count),
          ended_at: orNull(Type.String()),
          reason: orNull(Type.String()),
          started_at: Type.String(),
          state: Type.String(),
        },
        closed,
      ),
    ),
    checked_at: orNull(Type.String()),
    target: orNull(Type.String()),
  },
  closed,
)
const looked = { is_looking: Type.Boolean(), looked_at: orNull(Type.String()) }
const serverDisk = Type.Array(
  Type.Object(
    { app: Type.Object({ id: Type.String(), name: Type.String() }, closed), disk: orNull(appDisk), ...looked },
    closed,
  ),
)
const domainLookup = Type.Object(
  {
    addresses: Type.Array(Type.String()),
    alias: orNull(Type.String()),
    hostname: Type.String(),
    server_addresses: Type.Array(Type.String()),
    state: orNull(Type.String()),
    wanted: Type.Object({ name: Type.String(), type: Type.Literal('CNAME'), value: Type.String() }, closed),
    ...looked,
  },
  closed,
)
const auditEntry = Type.Object(
  {
    sequence: count,
    created_at: Type.String({ format: 'date-time' }),
    action: Type.String(),
    account: Type.Union([Type.Null(), Type.Object({ id: Type.String(), email: Type.String() }, closed)]),
    via: Type.String(),
    token: Type.Union([Type.Null(), Type.String()]),
    client: Type.Union([Type.Null(), Type.String()]),
    app: Type.Union([Type.Null(), Type.Object({ id: Type.String(), name: Type.String() }, closed)]),
    resource: Type.Union([Type.Null(), Type.String()]),
    detail: Type.Record(Type.String(), Type.Unknown()),
    failure: Type.Union([Type.Null(), Type.String()]),
    previous: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  },
  closed,
)
const twoFactor = Type.Object({ enabled: Type.Boolean(), recovery_codes_left: count }, closed)
const newTwoFactor = Type.Object({ secret: Type.String({ pattern: '^[A-Z2-7]{32}$' }), url: Type.String() }, closed)
const recoveryCodes = Type.Array(Type.String({ pattern: '^([a-z2-7]{4}-){3}[a-z2-7]{4}$' }), {
  minItems: 10,
  maxItems: 10,
})
const confirmedTwoFactor = Type.Object({ enabled: Type.Literal(true), recovery_codes: recoveryCodes }, closed)
const noTwoFactor = 'Heroku has this in its dashboard alone'
const auditPlace = Type.Object({ sequence: count, hash: Type.String() }, closed)
const auditVerdict = Type.Object(
  {
    start: auditPlace,
    head: auditPlace,
    entries: count,
    broken: Type.Union([Type.Null(), Type.Object({ sequence: count, reason: Type.String() }, closed)]),
  },
  closed,
)
const serverStatus = Type.Object(
  {
    version: Type.String(),
    processes: Type.Array(
      Type.Object({ name: Type.String(), up: Type.Boolean(), memory_bytes: Type.Union([count, Type.Null()]) }, closed),
    ),
    builds: Type.Object({ pending: count, running: count }, closed),
    apps: count,
    accounts: count,
  },
  closed,
)
const noAudit = 'Heroku shows its audit trail to enterprises alone, and not in this API'
const text = (own = {}) => Type.Union([Type.String(own), Type.Null()])
const ofApp = Type.Object({ id: Type.String(), name: Type.String() }, closed)
const update = { package: Type.String(), installed: Type.String(), available: Type.String(), security: Type.Boolean() }
const runImage = Type.Object(
  {
    app: ofApp,
    stack: Type.Object({ id: Type.String(), name: Type.String() }, closed),
    movable: Type.Boolean(),
    packages_at: text({ format: 'date-time' }),
    updates: Type.Union([Type.Null(), Type.Array(Type.Object(update, closed))]),
    reason: text(),
    last_move: Type.Union([
      Type.Null(),
      Type.Object({ state: Type.String(), reason: text(), at: Type.String({ format: 'date-time' }) }, closed),
    ]),
  },
  closed,
)
const stackUpgrade = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    state: Type.String(),
    progress: text(),
    reason: text(),
    apps: Type.Array(
      Type.Object(
        {
          app: ofApp,
          state: Type.String(),
          reason: text(),
          release: Type.Union([Type.Null(), Type.Object({ id: Type.String(), version: count }, closed)]),
        },
        closed,
      ),
    ),
    user: Type.Union([Type.Null(), Type.Object({ id: Type.String(), email: Type.String() }, closed)]),
    created_at: Type.String({ format: 'date-time' }),
    updated_at: Type.String({ format: 'date-time' }),
  },
  closed,
)
const noVolumes = 'Heroku has no volumes'
const volume = Type.Object(
  {
    app: ofApp,
    created_at: Type.String({ format: 'date-time' }),
    filled_from: Type.Union([
      Type.Null(),
      Type.Object(
        {
          as_of: Type.String({ format: 'date-time' }),
          backup: Type.Union([Type.Null(), Type.Object({ id: Type.String({ format: 'uuid' }) }, closed)]),
          kind: Type.String(),
          volume: Type.Object({ name: Type.String() }, closed),
        },
        closed,
      ),
    ]),
    id: Type.String({ format: 'uuid' }),
    limit_bytes: count,
    measured_at: text({ format: 'date-time' }),
    mount: Type.String(),
    name: Type.String(),
    read_only: Type.Boolean(),
    release: Type.Union([Type.Null(), Type.Object({ id: Type.String(), version: count }, closed)]),
    single_writer: Type.Boolean(),
    types: Type.Array(Type.String()),
    updated_at: Type.String({ format: 'date-time' }),
    used_bytes: Type.Union([Type.Null(), count]),
  },
  closed,
)
const volumeCopy = Type.Object(
  {
    app: ofApp,
    bytes: Type.Union([Type.Null(), count]),
    checksum: text({}),
    created_at: Type.String({ format: 'date-time' }),
    ended_at: text({ format: 'date-time' }),
    files: Type.Union([Type.Null(), count]),
    from: Type.Union([Type.Null(), Type.Object({ id: Type.String({ format: 'uuid' }) }, closed)]),
    id: Type.String({ format: 'uuid' }),
    into: Type.Union([Type.Null(), Type.Object({ name: Type.String(), switch: Type.Boolean() }, closed)]),
    kind: Type.Enum(['backup', 'restore', 'fork', 'upload']),
    proven_at: text({ format: 'date-time' }),
    reason: text({}),
    status: Type.Enum(['pending', 'running', 'succeeded', 'failed']),
    still: Type.Union([Type.Null(), Type.Boolean()]),
    survives_disk: Type.Boolean(),
    trigger: Type.Enum(['asked', 'daily']),
    volume: Type.Object({ id: Type.String({ format: 'uuid' }), name: Type.String() }, closed),
  },
  closed,
)
const volumeBackup = Type.Object(
  {
    id: someText,
    kind: someText,
    status: someText,
    name: someText,
    bytes: orNull(count),
    files: orNull(count),
    still: orNull(Type.Boolean()),
    reason: orNull(someText),
    started_at: someText,
    ended_at: orNull(someText),
  },
  closed,
)
const volumeBackups = Type.Object(
  {
    volume: Type.Object({ id: someText, name: someText }, closed),
    app: ofApp,
    kind: someText,
    schedule: orNull(someText),
    recovery_point_seconds: orNull(count),
    bytes: count,
    where: someText,
    last_good: orNull(volumeBackup),
    last_failed: orNull(volumeBackup),
    last_proven: orNull(Type.Object({ ...proven, compared: Type.Boolean() }, closed)),
    last_disproven: orNull(Type.Object({ ...proven, reason: someText }, closed)),
    problem: orNull(someText),
  },
  closed,
)
const nothing = { own: Type.Array(Type.Never(), { maxItems: 0 }), because: 'there is none of them here' }

const https = Type.Object(
  { redirect: Type.Union([Type.Boolean(), Type.Null()]), hsts: Type.Union([count, Type.Null()]) },
  closed,
)
const acm = Type.Object(
  {
    available: Type.Boolean(),
    enabled: Type.Boolean(),
    certificates: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          name: Type.String(),
          hostnames: Type.Array(Type.String()),
          status: Type.String(),
          failures: Type.Integer(),
          reason: Type.Union([Type.String(), Type.Null()]),
          issuer: Type.Union([Type.String(), Type.Null()]),
          issued_at: Type.Union([Type.String(), Type.Null()]),
          expires_at: Type.Union([Type.String(), Type.Null()]),
          renews_at: Type.Union([Type.String(), Type.Null()]),
          next_attempt_at: Type.Union([Type.String(), Type.Null()]),
        },
        closed,
      ),
    ),
  },
  closed,
)

/**
 * The answer of every route of the API, under the test file of this folder that shows it. `TestApi.call` holds every
 * answer of every test to it, strictly; the file ends with a test that calls `expectAllSeen`.
 */
export const answers: Record<string, Record<string, Shape>> = {
  'http/shapes.test.ts': {
    'GET /account': 'account',
    'PATCH /account': 'account',
    'GET /users/~': 'account',
    'GET /accounts': ['account'],
    'GET /oauth/authorizations': ['oauth-authorization'],
    'POST /oauth/authorizations': 'oauth-authorization',
    'GET /oauth/authorizations/:authorization': 'oauth-authorization',
    'DELETE /oauth/authorizations/:authorization': 'oauth-authorization',
    'GET /apps': ['app'],
    'POST /apps': 'app',
    'GET /users/~/apps': ['app'],
    'GET /apps/:app': 'app',
    'PATCH /apps/:app': 'app',
    'DELETE /apps/:app': 'app',
    'GET /apps/:app/builds': ['build'],
    'POST /apps/:app/builds': 'build',
    'GET /apps/:app/builds/:build': 'build',
    'DELETE /apps/:app/builds/:build': 'build',
    'GET /apps/:app/releases': ['release'],
    'POST /apps/:app/releases': 'release',
    'GET /apps/:app/releases/:release': 'release',
    'GET /apps/:app/releases/:release/config-vars': 'config-var',
    'GET /apps/:app/config-vars': 'config-var',
    'PATCH /apps/:app/config-vars': 'config-var',
    'GET /apps/:app/formation': ['formation'],
    'PATCH /apps/:app/formation': ['formation'],
    'GET /apps/:app/formation/:type': 'formation',
    'PATCH /apps/:app/formation/:type': 'formation',
    'GET /apps/:app/dynos': ['dyno'],
    'GET /apps/:app/dynos/:dyno': 'dyno',
    'DELETE /apps/:app/dynos': { own: empty, because: 'Heroku answers with an empty object' },
    'DELETE /apps/:app/dynos/:dyno': { own: empty, because: 'Heroku answers with an empty object' },
    'DELETE /apps/:app/formations/:type': { own: empty, because: 'Heroku answers with an empty object' },
    'POST /apps/:app/dynos/:dyno/actions/stop': { own: empty, because: 'Heroku answers with an empty object' },
    'POST /apps/:app/formations/:type/actions/stop': { own: empty, because: 'Heroku answers with an empty object' },
    'POST /apps/:app/log-sessions': 'log-session',
    'GET /regions': ['region'],
    'GET /regions/:place': 'region',
    'GET /stacks': ['stack'],
    'GET /stacks/:place': 'stack',
  },
  'accounts/accounts.test.ts': {
    'PATCH /oauth/authorizations/:authorization': 'oauth-authorization',
    'POST /oauth/authorizations/:authorization/actions/regenerate-tokens': 'oauth-authorization',
    'GET /oauth/sessions': { own: Type.Array(session), because: 'the schema has no sessions; the command reads these' },
    'DELETE /oauth/sessions': { own: empty, because: 'Heroku ends one session at a time' },
    'DELETE /oauth/sessions/:session': { own: session, because: 'the schema has no sessions; the command reads these' },
    'POST /account/login-links': {
      own: Type.Object({ expires_at: at, url: Type.String() }, closed),
      because: 'one logs in to Heroku in a browser first',
    },
    'GET /accounts/:account': 'account',
    'PATCH /accounts/:account': 'account',
    'DELETE /accounts/:account': 'account',
    'POST /accounts': { is: 'account', adds: 'password', because: 'one that was generated is shown this once' },
  },
  'accounts/account-limits.test.ts': {
    'GET /account/limits': { own: accountLimits, because: 'Heroku has no limits that somebody sets' },
    'GET /accounts/:account/limits': { own: accountLimits, because: 'Heroku has no limits that somebody sets' },
    'PATCH /accounts/:account/limits': { own: accountLimits, because: 'Heroku has no limits that somebody sets' },
  },
  'accounts/two-factor.test.ts': {
    'GET /account/two-factor': { own: twoFactor, because: noTwoFactor },
    'POST /account/two-factor': { own: newTwoFactor, because: noTwoFactor },
    'PATCH /account/two-factor': { own: confirmedTwoFactor, because: noTwoFactor },
    'DELETE /account/two-factor': { own: twoFactor, because: noTwoFactor },
    'POST /account/recovery-codes': { own: recoveryCodes, because: 'the schema has them no more' },
    'DELETE /accounts/:account/two-factor': 'account',
  },
  'audit/audit.test.ts': {
    'GET /audit-entries': { own: Type.Array(auditEntry), because: noAudit },
    'GET /apps/:app/audit-entries': { own: Type.Array(auditEntry), because: noAudit },
    'GET /audit-verdict': { own: auditVerdict, because: noAudit },
  },
  'server/stack-upgrades.test.ts': {
    'GET /run-images': { own: Type.Array(runImage), because: 'Heroku shows nobody what its stacks are made of' },
    'GET /apps/:app/run-image': { own: runImage, because: 'Heroku shows nobody what its stacks are made of' },
    'POST /stack-upgrades': { own: stackUpgrade, because: 'Heroku patches its stacks by itself' },
    'POST /apps/:app/stack-upgrades': { own: stackUpgrade, because: 'Heroku patches its stacks by itself' },
    'GET /stack-upgrades/:upgrade': { own: stackUpgrade, because: 'Heroku patches its stacks by itself' },
  },
  'server/empty-lists.test.ts': {
    'GET /pipelines': nothing,
    'GET /teams': nothing,
    'GET /spaces': nothing,
  },
  'apps/app-summaries.test.ts': {
    'GET /app-summaries': { own: Type.Array(appSummary), because: summarised },
    'GET /apps/:app/summary': { own: appSummary, because: summarised },
  },
  'builds/release-changes.test.ts': {
    'GET /apps/:app/releases/:release/changes': { own: releaseChanges, because: summarised },
  },
  'apps/volumes.test.ts': {
    'GET /apps/:app/volumes': { own: Type.Array(volume), because: noVolumes },
    'POST /apps/:app/volumes': { own: volume, because: noVolumes },
    'GET /apps/:app/volumes/:volume': { own: volume, because: noVolumes },
    'DELETE /apps/:app/volumes/:volume': { own: volume, because: noVolumes },
  },
  'apps/volume-copies.test.ts': {
    'GET /apps/:app/volume-copies': { own: Type.Array(volumeCopy), because: noVolumes },
    'POST /apps/:app/volume-copies': { own: volumeCopy, because: noVolumes },
    'GET /apps/:app/volume-copies/:copy': { own: volumeCopy, because: noVolumes },
    'PUT /apps/:app/volume-copies/:copy/files': { own: volumeCopy, because: noVolumes },
    'GET /apps/:app/volume-copies/:copy/files': { text: ['application/x-tar'] },
    'POST /apps/:app/volume-copies/:copy/actions/public-url': { own: backupUrl, because: noVolumes },
    'GET /volume-backups/:copy/:pass': { text: ['application/x-tar'] },
    'POST /apps/:app/volumes/:volume/actions/switch': { own: volume, because: noVolumes },
  },
  'apps/volume-proofs.test.ts': {
    'GET /volume-backups': { own: Type.Array(volumeBackups), because: noVolumes },
    'GET /apps/:app/volume-backups': { own: Type.Array(volumeBackups), because: noVolumes },
    'POST /apps/:app/volumes/:volume/actions/prove': { own: addonProof, because: noVolumes },
    'GET /apps/:app/volumes/:volume/proofs/:proof': { own: addonProof, because: noVolumes },
  },
  'apps/app-metrics.test.ts': {
    'GET /apps/:app/metrics': { own: appMetrics, because: 'Heroku keeps its figures behind an API that is not public' },
  },
  'builds/builds.test.ts': {
    'GET /apps/:app/builds/:build/result': {
      own: buildResult,
      because: 'the shape that the heroku-builds plugin reads is not in the schema',
    },
    'GET /apps/:app/disk': { own: appDisk, because: 'Heroku shows nobody its disks' },
    'DELETE /apps/:app/build-cache': {
      own: Type.Object({}, closed),
      because: 'the schema has no build cache; the heroku-builds plugin reads nothing of the answer',
    },
    'GET /streams/builds/:build/:pass': { text: ['text/plain; charset=utf-8'] },
  },
  'builds/buildpacks.test.ts': {
    'GET /apps/:app/buildpack-installations': ['buildpack-installation'],
    'PUT /apps/:app/buildpack-installations': ['buildpack-installation'],
    'GET /buildpacks/:buildpack/revisions': { own: revisions, because: "Heroku's registry is not in the schema" },
    'GET /buildpacks/:buildpack/readme': { own: readme, because: "Heroku's registry is not in the schema" },
    'GET /buildpacks': { own: buildpacks, because: "Heroku's registry of buildpacks is not in the schema" },
    'GET /buildpacks/:buildpack': { own: buildpack, because: "Heroku's registry of buildpacks is not in the schema" },
  },
  'apps/collaborators.test.ts': {
    'GET /apps/:app/collaborators': ['collaborator'],
    'POST /apps/:app/collaborators': 'collaborator',
    'GET /apps/:app/collaborators/:collaborator': 'collaborator',
    'PATCH /apps/:app/collaborators/:collaborator': 'collaborator',
    'DELETE /apps/:app/collaborators/:collaborator': 'collaborator',
    'GET /teams/apps/:app/collaborators': ['team-app-collaborator'],
    'POST /teams/apps/:app/collaborators': 'team-app-collaborator',
    'GET /teams/apps/:app/collaborators/:collaborator': 'team-app-collaborator',
    'PATCH /teams/apps/:app/collaborators/:collaborator': 'team-app-collaborator',
    'DELETE /teams/apps/:app/collaborators/:collaborator': 'team-app-collaborator',
    'GET /teams/permissions': ['team-app-permission'],
  },
  'server/server-info.test.ts': {
    'GET /server': { own: serverInfo, because: "clients cannot know where Heroku's own addresses are on this server" },
  },
  'routing/edge.test.ts': {
    'GET /apps/:app/edge': { own: edge, because: noEdge },
    'PATCH /apps/:app/edge': { own: edge, because: noEdge },
    'POST /apps/:app/edge/users': { own: edgeUser, because: noEdge },
    'DELETE /apps/:app/edge/users/:name': { own: edgeUser, because: noEdge },
  },
  'routing/own-pages.test.ts': {
    'GET /apps/:app/pages': { own: ownPages, because: 'Heroku tells nobody whether it finds a page' },
    'POST /apps/:app/pages/refresh': { own: ownPages, because: 'Heroku asks for a page whenever it shows one' },
  },
  'server/doctor.test.ts': {
    'GET /server/doctor': { own: findings, because: 'Heroku looks after its own machines' },
    'GET /server/backups': { own: serverBackups, because: 'Heroku looks after its own machines' },
  },
  'server/server-status.test.ts': {
    'GET /server/status': { own: serverStatus, because: 'Heroku shows nobody its servers' },
    'GET /server/disk': { own: serverDisk, because: 'Heroku shows nobody its disks' },
  },
  'server/server-metrics.test.ts': {
    'GET /metrics': { text: ['text/plain; version=0.0.4; charset=utf-8'] },
  },
  'logs/drains.test.ts': {
    'GET /apps/:app/log-drains': ['log-drain'],
    'POST /apps/:app/log-drains': 'log-drain',
    'GET /apps/:app/log-drains/:drain': 'log-drain',
    'DELETE /apps/:app/log-drains/:drain': 'log-drain',
  },
  'apps/app-transfers.test.ts': {
    'GET /account/app-transfers': ['app-transfer'],
    'POST /account/app-transfers': 'app-transfer',
    'GET /account/app-transfers/:transfer': 'app-transfer',
    'PATCH /account/app-transfers/:transfer': 'app-transfer',
    'DELETE /account/app-transfers/:transfer': 'app-transfer',
  },
  'apps/features.test.ts': {
    'GET /account/features': {
      own: Type.Array(Type.Unknown(), { maxItems: 0 }),
      because: 'accounts have no features here, and the command wants a list all the same',
    },
    'GET /apps/:app/features': ['app-feature'],
    'GET /apps/:app/features/:feature': 'app-feature',
    'PATCH /apps/:app/features/:feature': 'app-feature',
  },
  'schema.test.ts': { 'GET /schema': { text: ['application/schema+json; charset=utf-8'] } },
  'http/rate-limit.test.ts': { 'GET /account/rate-limits': 'rate-limit' },
  'accounts/keys.test.ts': {
    'GET /account/keys': ['key'],
    'POST /account/keys': 'key',
    'GET /account/keys/:key': 'key',
    'DELETE /account/keys/:key': 'key',
  },
  'addons/archives.test.ts': {
    'GET /backups': { own: Type.Array(addonBackups), because: "backups of add-ons are the server's own here" },
    'GET /apps/:app/backups': { own: Type.Array(addonBackups), because: 'likewise' },
    'GET /addons/:addon/backups': { own: addonBackups, because: 'likewise' },
    'POST /addons/:addon/actions/prove': { own: addonProof, because: 'likewise' },
    'GET /addons/:addon/proofs/:proof': { own: addonProof, because: 'likewise' },
    'POST /addons/:addon/actions/restore': 'add-on',
  },
  'addons/exposure.test.ts': {
    'GET /apps/:app/exposures': { own: exposures, because: ofDoors },
    'GET /addons/:addon/exposure': { own: exposure, because: ofDoors },
    'POST /addons/:addon/actions/expose': { own: exposure, because: ofDoors },
    'POST /addons/:addon/actions/unexpose': { own: exposure, because: ofDoors },
  },
  'addons/addons.test.ts': {
    'GET /addon-services': ['add-on-service'],
    'GET /addon-services/:service': 'add-on-service',
    'GET /addon-services/:service/plans': ['plan'],
    'GET /addon-services/:service/plans/:plan': 'plan',
    'GET /plans/:plan': 'plan',
    'GET /addons': ['add-on'],
    'GET /addons/:addon': 'add-on',
    'GET /apps/:app/addons': ['add-on'],
    'GET /apps/:app/addons/:addon': 'add-on',
    'POST /apps/:app/addons': 'add-on',
    'PATCH /apps/:app/addons/:addon': 'add-on',
    'DELETE /apps/:app/addons/:addon': 'add-on',
    'GET /addons/:addon/config': ['add-on-config'],
    'GET /addon-attachments': ['add-on-attachment'],
    'GET /apps/:app/addon-attachments': ['add-on-attachment'],
    'GET /addons/:addon/addon-attachments': ['add-on-attachment'],
    'GET /addon-attachments/:attachment': 'add-on-attachment',
    'GET /apps/:app/addon-attachments/:attachment': 'add-on-attachment',
    'POST /addon-attachments': 'add-on-attachment',
    'DELETE /addon-attachments/:attachment': 'add-on-attachment',
    'POST /actions/addons/resolve': ['add-on'],
    'POST /actions/addon-attachments/resolve': ['add-on-attachment'],
    'POST /addons/:addon/actions/client': { own: addonClient, because: 'a client beside the service is ours' },
    'GET /addons/:addon/info': { own: addonInfo, because: 'Heroku asks the provider of an add-on for this' },
    'POST /addons/:addon/actions/rotate': 'add-on',
    'POST /addons/:addon/actions/reset': 'add-on',
    'GET /client/v11/databases/:database': { own: database, because: ofDataApi },
    'GET /client/v11/databases/:database/wait_status': { own: waitStatus, because: ofDataApi },
    'PUT /client/v11/databases/:database/reset': { own: saying, because: ofDataApi },
    'GET /postgres/v0/databases/:database/credentials': { own: Type.Array(credential), because: ofDataApi },
    'GET /postgres/v0/databases/:database/credentials/:name': { own: credential, because: ofDataApi },
    'POST /postgres/v0/databases/:database/credentials_rotation': { own: saying, because: ofDataApi },
    'POST /postgres/v0/databases/:database/credentials/:name/credentials_rotation': { own: saying, because: ofDataApi },
    'GET /redis/v0/databases/:database': { own: redis, because: ofDataApi },
    'GET /redis/v0/databases/:database/wait': { own: waitStatus, because: ofDataApi },
    'POST /redis/v0/databases/:database/credentials_rotation': { own: saying, because: ofDataApi },
  },
  'addons/upgrades.test.ts': {
    'POST /client/v11/databases/:database/upgrade/prepare': { own: saying, because: ofDataApi },
    'POST /client/v11/databases/:database/upgrade/dry_run': { own: saying, because: ofDataApi },
    'POST /client/v11/databases/:database/upgrade/run': { own: saying, because: ofDataApi },
    'POST /client/v11/databases/:database/upgrade': { own: saying, because: ofDataApi },
    'POST /client/v11/databases/:database/upgrade/cancel': { own: saying, because: ofDataApi },
    'GET /client/v11/databases/:database/upgrade/wait_status': { own: upgradeStatus, because: ofDataApi },
  },
  'addons/backups.test.ts': {
    'GET /client/v11/apps/:app/transfers': { own: Type.Array(dataTransfer), because: ofDataApi },
    'GET /client/v11/apps/:app/transfers/:transfer': { own: dataTransfer, because: ofDataApi },
    'DELETE /client/v11/apps/:app/transfers/:transfer': { own: dataTransfer, because: ofDataApi },
    'POST /client/v11/apps/:app/transfers/:transfer/actions/cancel': { own: dataTransfer, because: ofDataApi },
    'POST /client/v11/apps/:app/transfers/:transfer/actions/public-url': { own: backupUrl, because: ofDataApi },
    'GET /backups/:backup/:pass': { text: ['application/octet-stream'] },
    'POST /client/v11/databases/:database/backups': { own: dataTransfer, because: ofDataApi },
    'POST /client/v11/databases/:database/restores': { own: dataTransfer, because: ofDataApi },
    'POST /client/v11/databases/:database/transfers': { own: dataTransfer, because: ofDataApi },
    'GET /client/v11/databases/:database/transfer-schedules': { own: Type.Array(backupSchedule), because: ofDataApi },
    'POST /client/v11/databases/:database/transfer-schedules': { own: backupSchedule, because: ofDataApi },
    'DELETE /client/v11/databases/:database/transfer-schedules/:schedule': { own: backupSchedule, because: ofDataApi },
    'POST /client/v11/databases/:database/connection_reset': notRunning,
    'GET /redis/v0/databases/:database/config': notRunning,
    'PATCH /redis/v0/databases/:database/config': notRunning,
    'POST /redis/v0/databases/:database/upgrade': noUpgrade,
  },
  'webhooks/webhooks.test.ts': {
    'GET /apps/:app/webhooks': ['app-webhook'],
    'POST /apps/:app/webhooks': 'app-webhook',
    'GET /apps/:app/webhooks/:webhook': 'app-webhook',
    'PATCH /apps/:app/webhooks/:webhook': 'app-webhook',
    'DELETE /apps/:app/webhooks/:webhook': 'app-webhook',
    'GET /apps/:app/webhook-deliveries': ['app-webhook-delivery'],
    'GET /apps/:app/webhook-deliveries/:delivery': 'app-webhook-delivery',
    'GET /apps/:app/webhook-events': ['app-webhook-event'],
    'GET /apps/:app/webhook-events/:event': 'app-webhook-event',
  },
  'routing/domain-proof.test.ts': {
    'GET /apps/:app/domain-lookups': { own: Type.Array(domainLookup), because: 'Heroku looks at no DNS' },
  },
  'routing/domains.test.ts': {
    'GET /apps/:app/domains': ['domain'],
    'POST /apps/:app/domains': 'domain',
    'GET /apps/:app/domains/:domain': 'domain',
    'PATCH /apps/:app/domains/:domain': 'domain',
    'DELETE /apps/:app/domains/:domain': 'domain',
    'GET /apps/:app/sni-endpoints': ['sni-endpoint'],
    'POST /apps/:app/sni-endpoints': 'sni-endpoint',
    'GET /apps/:app/sni-endpoints/:endpoint': 'sni-endpoint',
    'PATCH /apps/:app/sni-endpoints/:endpoint': 'sni-endpoint',
    'DELETE /apps/:app/sni-endpoints/:endpoint': 'sni-endpoint',
  },
  'routing/https.test.ts': {
    'GET /apps/:app/https': { own: https, because: 'Heroku leaves it to the app' },
    'PATCH /apps/:app/https': { own: https, because: 'Heroku leaves it to the app' },
  },
  'routing/acm.test.ts': {
    'GET /apps/:app/acm': { own: acm, because: 'Heroku does not say when a certificate is renewed, or tried again' },
    'POST /apps/:app/acm': 'app',
    'PATCH /apps/:app/acm': 'app',
    'DELETE /apps/:app/acm': 'app',
  },
  'dynos/formation.test.ts': {
    'GET /dyno-sizes': ['dyno-size'],
    'GET /dyno-sizes/:size': 'dyno-size',
    'GET /apps/:app/available-dyno-sizes': ['dyno-size'],
  },
  'builds/releases.test.ts': {
    'GET /streams/releases/:release/:pass': { text: ['text/plain; charset=utf-8'] },
  },
  'dynos/one-offs.test.ts': {
    'POST /apps/:app/dynos': 'dyno',
    'POST /apps/:app/dynos/:dyno/actions/exec': {
      own: Type.Object(
        {
          attach_url: Type.String(),
          command: Type.String(),
          created_at: Type.String(),
          dyno: Type.Object({ id: Type.String(), name: Type.String() }, { additionalProperties: false }),
          id: Type.String(),
          name: Type.String(),
        },
        { additionalProperties: false },
      ),
      because: 'Heroku gets into a running dyno by SSH, not by its API',
    },
  },
  'logs/log-sessions.test.ts': {
    'GET /streams/logs': { text: ['text/plain; charset=utf-8', 'text/event-stream'] },
  },
  'apps/app-setups.test.ts': {
    'POST /app-setups': 'app-setup',
    'GET /app-setups/:setup': 'app-setup',
  },
  'builds/slugs.test.ts': {
    'POST /apps/:app/slugs': 'slug',
    'GET /apps/:app/slugs/:slug': 'slug',
    'PUT /slugs/:slug/put/:pass': { text: ['text/plain; charset=utf-8'] },
    'GET /slugs/:slug/get/:pass': { text: ['application/gzip'] },
  },
  'builds/sources.test.ts': {
    'POST /sources': 'source',
    'POST /apps/:app/sources': 'source',
    'PUT /sources/:source/put/:pass': { text: ['text/plain; charset=utf-8'] },
    'GET /sources/:source/get/:pass': { text: ['application/gzip'] },
  },
}

const seen = new Set<string>()
const shapes = new Map(Object.values(answers).flatMap((routes) => Object.entries(routes)))

/** Holds an answer to the shape of its route, and a list to Heroku's paging. An empty list shows nothing, so it does not count as seen. */
export function expectShape(route: string, { status, headers, body }: Answer): void {
  const shape = shapes.get(route)
  if (typeof shape === 'object' && 'refuses' in shape && body['id'] === (shape.refuses as never)) seen.add(route)
  if (status < 200 || status > 299) return
  if (shape === undefined) throw new Error(`${route} has no shape in test/api/answers.ts`)
  if (typeof shape === 'object' && 'text' in shape) {
    expect(shape.text, route).toContain(headers['content-type'])
    seen.add(route)
    return
  }
  if (Array.isArray(shape) && route.startsWith('GET ')) {
    const ranges = headers['accept-ranges'] ?? 'none: a list is given by page()'
    expect({ route, ranges }).toEqual({ route, ranges: expect.stringMatching(/^\w+(, \w+)*$/) })
  }
  const items: Json[] = Array.isArray(shape) ? body : [body]
  for (const item of items) {
    expect({ route, problems: problemsOf(shape, item), item }).toEqual({ route, problems: [], item })
  }
  if (items.length > 0) seen.add(route)
}

function problemsOf(shape: Exclude<Shape, { text: string[] }>, item: Json): string[] {
  if (typeof shape === 'string' || Array.isArray(shape)) return schemaProblems(String(shape), item)
  if ('refuses' in shape) return ['it succeeded']
  if ('own' in shape) return ownProblems(shape.own, item)
  const rest = Object.entries(item).filter(([key]) => key !== shape.adds)
  return schemaProblems(shape.is, Object.fromEntries(rest))
}

/** The last test of a file calls it: what `answers` says this file shows was answered, with success, at least once. */
export function expectAllSeen(file: string): void {
  const routes = Object.keys(answers[file] ?? {})
  expect(routes.length).toBeGreaterThan(0)
  expect(routes.filter((route) => !seen.has(route))).toEqual([])
}
