import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig, type Config } from '../config.ts'
import { openDataDirectory } from '../data-directory.ts'
import { PaasError } from '../errors.ts'
import { lockFile, readLock } from '../lock.ts'
import { readSettingsFile } from '../settings-file.ts'
import { awaitReady, servingRouter } from './await-ready.ts'
import { askHere, chooseSettings, type Given } from './choose-settings.ts'
import { writeSettings } from './settings-text.ts'
import { createRoleUsers, isInstalled, runHere, systemctl } from './system.ts'
import { formatUnit, unitName, unitPath } from './unit.ts'

type Installing = {
  checkout: string
  /** Path of the settings file. */
  settings: string
  given: Given
  say: (step: string) => void
}

/**
 * Makes the server of this checkout a service that starts with the machine, and starts it. Again,
 * it changes the settings that are given and restarts it.
 * @returns its settings
 * @throws settings_invalid, data_directory_in_use, installation_failed
 */
export async function installService({ checkout, settings, given, say }: Installing): Promise<Config> {
  const present = readSettingsFile(settings)
  const chosen = await chooseSettings({ given, present, checkout }, askHere(given))
  const config = serviceConfig(chosen)
  if (!isInstalled()) await refuseOtherServer(config)
  writeSettings(settings, chosen)
  say(`settings are in ${settings}`)
  await setUp({ checkout, settings })
  await createRoleUsers()
  writeUnit({ checkout, settings })
  say(`${unitPath} starts the server with the machine`)
  const before = await servingRouter(config)
  await systemctl('daemon-reload')
  await systemctl('enable', unitName)
  await systemctl('restart', unitName)
  await awaitReady(config, before)
  return config
}

/** Packages, programs, Docker and images: what takes long, while a server of before serves on. */
export function setUp({ checkout, settings }: { checkout: string; settings: string }): Promise<void> {
  return runHere(join(checkout, 'bin/setup'), [], { ...withoutSettings(), PAAS_SETTINGS: settings })
}

/** @returns whether it is another one than before */
export function writeUnit(place: { checkout: string; settings: string }): void {
  writeFileSync(unitPath, formatUnit(place))
  chmodSync(unitPath, 0o644) // whatever the umask is
}

/** As the service will have them: whoever installs it may have others. */
export function serviceConfig(settings: Record<string, string>): Config {
  return loadConfig({ ...withoutSettings(), ...settings })
}

function withoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PAAS_|REDIS_URL$)/.test(name)))
}

/** One in a terminal would keep the service from starting. @throws data_directory_in_use */
async function refuseOtherServer(config: Config): Promise<void> {
  openDataDirectory(config)
  using lock = await lockFile(config.paths.lock)
  if (lock) return
  const message = `A server with pid ${readLock(config.paths.lock)} already runs on ${config.dataDirectory}.`
  throw new PaasError('data_directory_in_use', message, { hint: 'Stop it with Ctrl-C first, then run this again.' })
}
