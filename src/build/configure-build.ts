import { asPaasError, PaasError } from '../errors.ts'
import type { AppManifest } from '../model/app-json.ts'
import { dynoSizes, sizeNamed } from '../model/formation.ts'
import { failure, type AppSetup } from '../model/app-setup.ts'
import type { App } from '../model/app.ts'
import type { Build } from '../model/build.ts'
import type { Narrator } from '../model/narrator.ts'
import type { ConfigVars } from '../model/release.ts'
import type { AddressPolicy } from '../outbound/addresses.ts'
import { missingConfig, setConfigDefaults } from './config-defaults.ts'
import type { AnyPack } from './detect.ts'
import { isPackPath } from './pack-path.ts'
import { isPackUrl, parsePackUrl } from './pack-url.ts'
import { packNamed } from './packs.ts'
import type { BuildParts } from './parts.ts'

type Used = Pick<BuildParts, 'store' | 'packPolicy' | 'addons'>

/**
 * What a build whose source has an app.json is built with. Only a set-up insists on what app.json
 * requires, makes its add-ons, and takes its buildpacks unless it was given others. Before the
 * first deploy, for which alone app.json's formation counts, sizes that there are not are said.
 * @throws app_json_invalid when that cannot be had, config_invalid when all config vars together
 *   are too large
 */
export async function configureBuild(
  { store, packPolicy, addons }: Used,
  { app, build, appJson }: { app: App; build: Build; appJson: AppManifest },
  output: Pick<Narrator, 'topic' | 'error'>,
  signal: AbortSignal,
): Promise<{ config: ConfigVars; buildpacks: string[] }> {
  const setup = store.appSetups.findByBuild(build.id)
  if (setup) applyManifest({ store, packPolicy }, setup, appJson)
  const { addons: asked } = appJson
  if (setup && asked.length > 0) await addons.provide({ app, accountId: setup.accountId, asked }, output, signal)
  const config = setConfigDefaults(store, { app, appJson }, output)
  if (app.currentReleaseId === null) sayUnknownSizes(appJson, output)
  return { config, buildpacks: build.buildpacks ?? store.buildpacks.list(app.id) }
}

/**
 * An unknown size is ignored: many app.json files still ask for `free` and others that Heroku has
 * dropped.
 */
function sayUnknownSizes({ formation }: AppManifest, output: Pick<Narrator, 'error'>): void {
  for (const [type, { size }] of Object.entries(formation)) {
    if (size === null || sizeNamed(size)) continue
    const asked = `app.json: there is no dyno size ${JSON.stringify(size.slice(0, 60))}, so ${type} gets basic.`
    output.error(`${asked} Available: ${Object.keys(dynoSizes).join(', ')}.`)
  }
}

function applyManifest(
  { store, packPolicy }: Pick<Used, 'store' | 'packPolicy'>,
  { id, appId }: AppSetup,
  appJson: AppManifest,
): void {
  const isChosen = store.buildpacks.list(appId).length > 0
  const { packs, problems } = isChosen ? { packs: [], problems: [] } : packsOf(appJson, packPolicy)
  const { missing } = missingConfig(appJson.env, store.configVars.get(appId))
  const manifestErrors = [...missing.map((key) => `config var ${key} is required`), ...problems]
  if (manifestErrors.length === 0) {
    if (!isChosen) store.buildpacks.replace(appId, packs)
    return
  }
  store.appSetups.setState(id, failure('invalid app.json', { manifestErrors }))
  throw new PaasError('app_json_invalid', `app.json: ${manifestErrors.join('; ')}.`, {
    hint: 'Set it in overrides, or correct app.json; then set up another app.',
  })
}

function packsOf({ buildpacks }: AppManifest, policy: AddressPolicy): { packs: AnyPack[]; problems: string[] } {
  const packs = new Set<AnyPack>()
  const problems: string[] = []
  for (const text of buildpacks) {
    try {
      packs.add(packNamed(text) ?? packAt(text, policy))
    } catch (cause) {
      problems.push(asPaasError(cause).message)
    }
  }
  return { packs: [...packs], problems }
}

/** @throws invalid_params, address_forbidden */
function packAt(text: string, policy: AddressPolicy): AnyPack {
  if (isPackUrl(text)) return parsePackUrl(text, policy)
  if (isPackPath(text)) return text
  throw new PaasError('invalid_params', `There is no buildpack ${JSON.stringify(text.slice(0, 200))} on this server.`)
}
