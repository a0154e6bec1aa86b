import { createReadStream } from 'node:fs'
import { Type, type Static } from 'typebox'
import { createPackPolicy } from '../../build/pack-url.ts'
import { PaasError } from '../../errors.ts'
import { checkTarball } from '../../source/check-tarball.ts'
import { mostAppSetups, type AppSetup } from '../../model/app-setup.ts'
import { checkConfigChange, checkConfigSize } from '../../model/config-rules.ts'
import type { AccountId, AppSetupId } from '../../model/ids.ts'
import { noCommit, sourcePath, type BuildSource } from '../../model/source.ts'
import type { Store } from '../../store/store.ts'
import { askerOf } from '../http/access.ts'
import { appSetupJson, isOpen, stateOf } from './app-setup-json.ts'
import { createApp } from './apps.ts'
import { placeAsked } from './place.ts'
import type { BuildJsonDeps } from '../builds/build-json.ts'
import { mostPacks, packsNamed } from '../builds/packs-named.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { sourceBlob, sourceOf } from '../builds/source-blob.ts'
import { wake } from '../http/wake.ts'

type Deps = BuildJsonDeps & Pick<ApiDeps, 'quotas' | 'queue' | 'outbound' | 'log'>

const optionalName = Type.Optional(Type.Union([Type.String(), Type.Null()]))
const closed = { additionalProperties: false }
const buildpack = Type.Object({ url: Type.String({ maxLength: 1000 }) }, closed)
const newSetup = Type.Object(
  {
    source_blob: sourceBlob,
    app: Type.Optional(
      Type.Object(
        { name: optionalName, region: optionalName, stack: optionalName, personal: Type.Optional(Type.Boolean()) },
        closed,
      ),
    ),
    overrides: Type.Optional(
      Type.Object(
        {
          buildpacks: Type.Optional(Type.Array(buildpack, { maxItems: mostPacks })),
          env: Type.Optional(Type.Record(Type.String(), Type.String())),
        },
        closed,
      ),
    ),
  },
  closed,
)

export function appSetupRoutes(api: Api, deps: Deps): void {
  const { store } = deps

  api.post('/app-setups', { schema: { body: newSetup } }, async (request, reply) => {
    const asked = await read(deps, request.body)
    const setup = store.transaction(() => create(deps, request.identity.account.id, asked))
    await wake(deps, reply, { kind: 'converge', appId: setup.appId })
    await wake(deps, reply, { kind: 'build', appId: setup.appId, buildId: setup.buildId })
    reply.code(201)
    return appSetupJson(deps, setup, askerOf(request))
  })

  api.get('/app-setups/:setup', (request) => {
    const { setup: id } = request.params as { setup: AppSetupId }
    const setup = store.appSetups.find(id)
    const app = setup && store.apps.find(setup.appId)
    if (app && store.collaborators.roleOf(request.identity.account, app))
      return appSetupJson(deps, setup, askerOf(request))
    throw new PaasError('not_found', `There is no app set-up ${JSON.stringify(id)}.`)
  })
}

type Asked = {
  name: string | undefined
  stack: string
  source: BuildSource
  env: Record<string, string>
  buildpacks: string[]
}

/** @throws for what no app can be made of, before anything is made */
async function read(deps: Deps, { source_blob: blob, app = {}, overrides = {} }: Static<typeof newSetup>) {
  const stack = placeAsked(deps, app)
  const { env = {}, buildpacks = [] } = overrides
  checkConfigChange(env)
  checkConfigSize(env)
  const asked = buildpacks.map(({ url }) => url)
  const packs = await packsNamed(asked, createPackPolicy(deps.config))
  const source = await sourceOf(deps, blob)
  await checkUpload(deps, source)
  return { name: app.name ?? undefined, stack, source, env, buildpacks: packs } satisfies Asked
}

/** What lies elsewhere is fetched when its turn comes. */
async function checkUpload({ config }: Deps, { from }: BuildSource): Promise<void> {
  if (from.kind === 'upload')
    await checkTarball(createReadStream(sourcePath(config.paths.sources, from.id)), config.limits)
}

/** Overrides take precedence, since app.json only adds what the app lacks. */
function create(
  { store, quotas }: Deps,
  accountId: AccountId,
  { name, stack, source, env, buildpacks }: Asked,
): AppSetup {
  checkLimit(store, accountId)
  const app = createApp({ store, quotas }, accountId, { name, stack })
  quotas.checkBuild(app)
  const { id: appId } = app
  store.configVars.update(appId, env)
  store.buildpacks.replace(appId, buildpacks)
  const place = { appId, accountId, commit: noCommit, ref: null, previousCommit: null }
  const { build } = store.builds.create({ ...place, noCache: false, detached: false, tarball: source })
  return store.appSetups.create({ appId, accountId, buildId: build.id })
}

/** @throws app_setups_limit */
function checkLimit(store: Store, accountId: AccountId): void {
  const open = store.appSetups.listOpen(accountId).filter((setup) => isOpen(stateOf(store, setup)))
  if (open.length < mostAppSetups) return
  throw new PaasError('app_setups_limit', `You have ${open.length} app set-ups running; the limit is ${mostAppSetups}.`)
}
