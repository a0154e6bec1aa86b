import { resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import type { Config } from '../config.ts'
import { examine } from '../doctor/examine.ts'
import { connectDocker } from '../engine/docker/docker.ts'
import { PaasError } from '../errors.ts'
import { serviceConfig, installService } from '../installation/install.ts'
import { describeRemoval, removeService } from '../installation/remove.ts'
import { refuseUnlessInstalled, refuseUnlessPossible } from '../installation/system.ts'
import { upgradeService } from '../installation/upgrade.ts'
import { createLog } from '../log.ts'
import { readSettingsFile, settingsFileOf } from '../settings-file.ts'
import { readCertificatesOnRecord } from '../store/certificates-on-record.ts'
import { checkStore } from '../store/check.ts'
import { sayFailure } from '../supervisor/terminal.ts'

const checkout = resolve(import.meta.dirname, '../..')
const text = { type: 'string' } as const
const flag = { type: 'boolean', default: false } as const
const say = (step: string): void => void process.stderr.write(`paas: ${step}\n`)
const log = createLog('service', 'silent')

/** The server as a service of systemd: `npm run service`, `upgrade` and `service:remove`. */
const commands: Record<string, (argv: string[]) => Promise<void>> = { install, upgrade, remove }

try {
  const [command = '', ...argv] = process.argv.slice(2)
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (!run) throw new PaasError('settings_invalid', `"${command}" is none of ${Object.keys(commands).join(', ')}.`)
  await run(argv)
} catch (thrown) {
  sayFailure(thrown)
  process.exitCode = 1
}

async function install(args: string[]): Promise<void> {
  const set = { type: 'string', multiple: true, default: [] as string[] } as const
  const { values } = parseArgs({
    args,
    options: { domain: text, mail: text, directory: text, data: text, set, yes: flag },
  })
  refuseUnlessPossible('service')
  const config = await installService({ checkout, settings: settingsFile(), given: values, say })
  await sayFindings(config)
  process.stdout.write(`
ready     ${config.publicUrl}
  data    ${config.dataDirectory}
  log     ${config.paths.serverLog}; journalctl -u paas

The paas command of this user is logged in: ${checkout}/bin/paas
From another machine: paas login ${config.publicUrl}  (docs/accounts.md)
`)
}

async function upgrade(args: string[]): Promise<void> {
  parseArgs({ args, options: {} })
  refuseUnlessPossible('upgrade')
  const check = ({ paths }: Config): void => checkStore({ path: paths.database, keyPath: paths.key })
  const config = await upgradeService({ checkout, settings: settingsFile(), check, say })
  await sayFindings(config)
  say(`${config.publicUrl} runs ${checkout}`)
}

async function remove(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { data: flag, confirm: text } })
  refuseUnlessPossible('service:remove')
  const settings = settingsFile()
  refuseUnlessInstalled('remove')
  const config = serviceConfig(readSettingsFile(settings))
  const removing = { config, settings, data: values.data }
  process.stdout.write(`${describeRemoval(removing).join('\n')}\n`)
  await confirm(config.domain, values.confirm)
  const engineOf = (serverId: string) => connectDocker({ ...config, serverId, log })
  await removeService({ ...removing, engineOf, say })
}

/** @throws confirmation_missing */
async function confirm(domain: string, given: string | undefined): Promise<void> {
  let typed = given
  if (typed === undefined && process.stdin.isTTY) {
    using lines = createInterface({ input: process.stdin, output: process.stderr })
    typed = (await lines.question(`Type ${domain} to go on: `)).trim()
  }
  if (typed === domain) return
  throw new PaasError('settings_invalid', 'Nothing was removed.', { hint: `To go on: --confirm ${domain}` })
}

function settingsFile(): string {
  const path = settingsFileOf(process.env)
  if (path !== undefined) return path
  throw new PaasError('settings_invalid', 'PAAS_SETTINGS is off, but a service keeps its settings in a file.')
}

/** What is not good. A server that has just started may still be waiting for DNS. */
async function sayFindings(config: Config): Promise<void> {
  const engine = connectDocker({ docker: config.docker, serverId: 'doctor', log })
  const findings = await examine({
    config,
    engine,
    certificates: () => readCertificatesOnRecord(config.paths.database),
  })
  for (const { name, message, advice } of findings.filter((one) => one.state === 'bad' || one.state === 'warning')) {
    say(`${name}: ${message}${advice === null ? '' : ` → ${advice}`}`)
  }
  say(`to look again: ${checkout}/bin/paas doctor`)
}
