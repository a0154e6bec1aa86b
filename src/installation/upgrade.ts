import type { Config } from '../config.ts'
import { openDataDirectory } from '../data-directory.ts'
import { readSettingsFile } from '../settings-file.ts'
import { awaitReady, servingRouter } from './await-ready.ts'
import { serviceConfig, setUp, writeUnit } from './install.ts'
import { refuseUnlessInstalled, systemctl } from './system.ts'
import { unitName } from './unit.ts'

type Upgrading = {
  checkout: string
  settings: string
  /** Whether this version can open the record. @throws data_directory_newer, database_damaged, … */
  check: (config: Config) => void
  say: (step: string) => void
}

/**
 * Lets the service run this checkout. What may fail comes before the server that runs is told to
 * stop; its router serves until the new one does.
 * @throws settings_invalid, data_directory_newer, installation_failed
 */
export async function upgradeService({ checkout, settings, check, say }: Upgrading): Promise<Config> {
  refuseUnlessInstalled('upgrade')
  const config = serviceConfig(readSettingsFile(settings))
  openDataDirectory(config)
  check(config)
  say('the record can be taken along; setting up')
  await setUp({ checkout, settings })
  const before = await servingRouter(config)
  writeUnit({ checkout, settings })
  await systemctl('daemon-reload')
  say(`restarting; the router${before === undefined ? '' : ` (pid ${before})`} serves until the new one does`)
  await systemctl('restart', unitName)
  await awaitReady(config, before)
  return config
}
