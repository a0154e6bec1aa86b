import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { Addon } from '../../model/addon.ts'
import { joinedAddon, oneOffLimits } from '../../model/one-off.ts'
import { programsAt } from '../../services/image.ts'
import type { ApiDeps } from '../deps.ts'
import type { Api } from '../deps.ts'
import { appNamed, askerOf } from '../http/access.ts'
import { time } from '../http/shapes.ts'
import { attachUrl } from '../http/urls.ts'
import { checkReady, type DataDeps } from './data.ts'
import { servicesOf } from './deps.ts'
import { addonOf } from './find.ts'

type Deps = DataDeps & Pick<ApiDeps, 'quotas'>

const asked = Type.Object(
  {
    args: Type.Optional(Type.Array(Type.String({ maxLength: 32_768 }), { maxItems: 100 })),
    /** A connection to the service's port, in place of its own client. */
    tunnel: Type.Optional(Type.Boolean()),
    term: Type.Optional(Type.String({ pattern: '^[\\w.+-]{1,60}$' })),
    force_no_tty: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

/** Bytes both ways, by what every image has, until the service hangs up. */
const tunnel =
  'exec 3<>"/dev/tcp/127.0.0.1/$SERVICE_PORT" 4<&0 && { cat <&4 >&3 & cat <&3; kill $! 2>/dev/null || true; }'

/**
 * Our own addition: runs the service's client (psql, valkey-cli) beside the service, for whoever
 * may read the app's config vars. So nobody needs an open port, nor a client of their own.
 */
export function addonClientRoutes(api: Api, deps: Deps): void {
  const { store, quotas, config, platformLog } = deps
  const options = { config: { scope: 'protected' }, schema: { body: asked } } as const

  api.post('/addons/:addon/actions/client', options, (request, reply) => {
    const addon = addonOf(store, request, 'deploy')
    const app = appNamed(store, request, { idOrName: addon.appId, needed: 'deploy' })
    const { args = [], tunnel: isTunnel = false, term, force_no_tty: noTerminal = false } = request.body
    checkReady(addon)
    checkClient(deps, addon, isTunnel)
    const release = store.releases.list(app.id)[0]
    if (!release || args.some((arg) => arg.includes('\0')))
      throw new PaasError('invalid_params', 'An argument has a NUL byte.')
    const { oneOff, token } = store.transaction(() => {
      store.oneOffs.removeExpired()
      quotas.checkOneOff(app)
      return store.oneOffs.create({
        appId: app.id,
        releaseId: release.id,
        ...askerOf(request),
        dyno: joinedAddon(addon.id),
        command: isTunnel ? tunnel : [`exec ${programsAt}/client`, ...args.map(quoted)].join(' '),
        env: { HOME: '/tmp', PAGER: 'cat', ...(term === undefined ? {} : { TERM: term }) },
        size: 'basic',
        input: noTerminal || isTunnel ? 'pipes' : 'terminal',
        timeToLive: oneOffLimits.timeToLive,
      })
    })
    platformLog.api(app.id, `Connected to ${addon.name} by user ${request.identity.account.email}`)
    reply.code(201)
    return {
      attach_url: attachUrl(config, token ?? ''),
      created_at: time(oneOff.createdAt),
      id: oneOff.id,
      name: oneOff.name,
    }
  })
}

/** @throws invalid_params */
function checkClient(deps: Deps, addon: Addon, isTunnel: boolean): void {
  const service = servicesOf(deps).find(({ name }) => name === addon.service)
  if (isTunnel || service?.scripts.includes('client')) return
  throw new PaasError('invalid_params', `${service?.title ?? addon.service} has no client of its own here.`)
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`
}
