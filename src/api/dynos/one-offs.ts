import { Type, type Static } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { checkConfigChange, checkConfigSize } from '../../model/config-rules.ts'
import type { Asker } from '../../model/grant.ts'
import { oneOffLimits, type AskedOneOff, type OneOffInput } from '../../model/one-off.ts'
import type { ConfigVars } from '../../model/release.ts'
import type { Store } from '../../store/store.ts'
import { appOf, askerOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { waitingJson } from './dyno-json.ts'
import { parseDynoSize } from './dyno-size.ts'
import { checkMachine } from './machine-lack.ts'
import { dynoNamed } from './present-dynos.ts'
import { time } from '../http/shapes.ts'
import { attachUrl } from '../http/urls.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'config' | 'store' | 'quotas' | 'containers' | 'queue' | 'platformLog' | 'log'>

/** Characters. One argument of a Linux process has 128 KiB at most (execve(2), MAX_ARG_STRLEN). */
const longestCommand = 32_768

/** Heroku's command sends `COLUMNS` and `LINES` as numbers. */
const asked = Type.Object(
  {
    attach: Type.Optional(Type.Boolean()),
    command: Type.String({ minLength: 1, maxLength: longestCommand }),
    env: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Integer()]))),
    force_no_tty: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
    size: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    time_to_live: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: oneOffLimits.timeToLive }), Type.Null()]),
    ),
    type: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  },
  { additionalProperties: false },
)

const askedExec = Type.Pick(asked, ['command', 'env', 'force_no_tty'], { additionalProperties: false })

type Asked = Static<typeof asked>

/**
 * Asks for a one-off dyno. It is in the database when this answers; one without a client is started
 * by the worker, one with a client when that comes to `attach_url`. It reads config vars and runs
 * what it likes, so the token must be one that may do both.
 */
export function oneOffRoutes(api: Api, deps: Deps): void {
  const { store, config, platformLog } = deps
  const options = { config: { scope: 'protected' }, schema: { body: asked } } as const

  api.post('/apps/:app/dynos', options, async (request, reply) => {
    const app = appOf(store, request)
    const { account } = request.identity
    if (request.body.size) await checkMachine(deps, [parseDynoSize(request.body.size)], reply)
    const { oneOff, token } = create(deps, app, oneOffOf(store, app, askerOf(request), request.body))
    platformLog.api(app.id, `Starting process with command \`${oneOff.command}\` by user ${account.email}`)
    if (token === null) await wake(deps, reply, { kind: 'run', appId: app.id, oneOffId: oneOff.id })
    reply.code(201)
    return waitingJson(store, app, oneOff, token === null ? null : attachUrl(config, token))
  })

  // Our own addition: Heroku's command needs an SSH server inside the app's image for this.
  const exec = { config: { scope: 'protected' }, schema: { body: askedExec } } as const
  api.post('/apps/:app/dynos/:dyno/actions/exec', exec, async (request, reply) => {
    const app = appOf(store, request)
    const { account } = request.identity
    const { id, name } = await dynoNamed(deps, app, (request.params as { dyno: string }).dyno)
    const asked = { ...oneOffOf(store, app, askerOf(request), { ...request.body, attach: true }), dyno: name }
    const { oneOff, token } = create(deps, app, asked)
    platformLog.api(app.id, `Starting process with command \`${oneOff.command}\` in ${name} by user ${account.email}`)
    reply.code(201)
    return {
      attach_url: attachUrl(config, token ?? ''),
      command: oneOff.command,
      created_at: time(oneOff.createdAt),
      dyno: { id, name },
      id: oneOff.id,
      name: oneOff.name,
    }
  })
}

/** @throws account_limit, one_offs_limit */
function create({ store, quotas }: Deps, app: App, asked: AskedOneOff): ReturnType<Store['oneOffs']['create']> {
  return store.transaction(() => {
    store.oneOffs.removeExpired()
    quotas.checkOneOff(app)
    return store.oneOffs.create(asked)
  })
}

/** @throws app_not_deployed, invalid_params, config_invalid */
function oneOffOf(store: Deps['store'], app: App, asker: Asker, body: Asked): AskedOneOff {
  const release = app.currentReleaseId ? store.releases.find(app.currentReleaseId) : undefined
  if (!release?.slugId) {
    throw new PaasError('app_not_deployed', `${app.name} has no code to run a command with.`)
  }
  checkCommand(body.command)
  return {
    appId: app.id,
    releaseId: release.id,
    ...asker,
    command: body.command,
    env: environmentOf(body),
    size: sizeOfOneOff(store, app, body),
    input: inputOf(body),
    timeToLive: body.time_to_live ?? oneOffLimits.timeToLive,
  }
}

function checkCommand(command: string): void {
  if (command.trim() === '') throw new PaasError('invalid_params', 'The command is empty.')
  if (command.includes('\0') || !command.isWellFormed()) {
    throw new PaasError('invalid_params', 'The command has a NUL byte or is not valid Unicode, so it cannot be run.')
  }
}

function environmentOf({ env = {} }: Asked): ConfigVars {
  const config = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, String(value)]))
  checkConfigChange(config)
  checkConfigSize(config)
  return config
}

/** The one given, else that of the process type given, else that of the server's smallest. */
function sizeOfOneOff(store: Deps['store'], app: App, { size, type }: Asked): string {
  if (size) return parseDynoSize(size)
  const formation = type ? store.formations.list(app.id).find((share) => share.type === type) : undefined
  if (formation) return formation.size
  if (!type || type === 'run') return 'basic'
  throw new PaasError('invalid_params', `${app.name} has no process type ${JSON.stringify(type)}.`)
}

function inputOf({ attach, force_no_tty: noTerminal }: Asked): OneOffInput {
  if (!attach) return 'none'
  return noTerminal ? 'pipes' : 'terminal'
}
