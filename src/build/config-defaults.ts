import { randomBytes } from 'node:crypto'
import type { AppManifest, EnvDefault } from '../model/app-json.ts'
import type { App } from '../model/app.ts'
import { checkConfigSize } from '../model/config-rules.ts'
import type { ConfigVars } from '../model/release.ts'
import type { Store } from '../store/store.ts'
import type { Narrator } from '../model/narrator.ts'

/**
 * The config vars of a build whose source has an app.json. Before an app's first deploy those that
 * it names and the app does not have are set, once and for all: later, one that is missing was
 * taken away by somebody. What is required and nobody gave is said, not refused, as on Heroku,
 * where a push looks at none of this.
 * @throws config_invalid when all together are too large; then none is set
 */
export function setConfigDefaults(
  store: Pick<Store, 'transaction' | 'configVars'>,
  { app, appJson }: { app: Pick<App, 'id' | 'currentReleaseId'>; appJson: AppManifest },
  narrator: Pick<Narrator, 'topic' | 'error'>,
): ConfigVars {
  if (app.currentReleaseId !== null) return store.configVars.get(app.id)
  return store.transaction(() => {
    const present = store.configVars.get(app.id)
    const { defaults, missing } = missingConfig(appJson.env, present)
    const config = store.configVars.update(app.id, defaults)
    checkConfigSize(config)
    const names = Object.keys(defaults)
    if (names.length > 0) narrator.topic(`Setting the config vars of app.json: ${names.join(', ')}`)
    if (missing.length > 0) narrator.error(`app.json requires config vars that are not set: ${missing.join(', ')}`)
    return config
  })
}

/** What app.json would add to the config vars there are, and which it requires that nobody gave. */
export function missingConfig(
  env: AppManifest['env'],
  present: ConfigVars,
): { defaults: ConfigVars; missing: string[] } {
  const absent = Object.entries(env).filter(([key]) => !Object.hasOwn(present, key))
  const defaults = absent.flatMap(([key, entry]) => {
    const value = valueOf(entry)
    return value === undefined ? [] : [[key, value] as const]
  })
  const missing = absent.filter(([, entry]) => entry.kind === 'given' && entry.required).map(([key]) => key)
  return { defaults: Object.fromEntries(defaults), missing }
}

/** A generated secret has 64 hex digits, as Heroku's have. */
function valueOf(entry: EnvDefault): string | undefined {
  if (entry.kind === 'given') return undefined
  return entry.kind === 'value' ? entry.value : randomBytes(32).toString('hex')
}
