import { existsSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { findServerId } from '../data-directory.ts'
import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { servingRouter } from './await-ready.ts'
import { isInstalled, removeRoleUsers, systemctl } from './system.ts'
import { unitName, unitPath } from './unit.ts'

type Removing = {
  config: Config
  settings: string
  /** Data too: record, repositories, volumes, images. */
  data: boolean
  engineOf: (serverId: string) => Pick<Engine, 'haltServer' | 'removeServer'>
  say: (step: string) => void
}

/** A line for each thing that goes, and for each that stays. */
export function describeRemoval({ config, settings, data }: Pick<Removing, 'config' | 'settings' | 'data'>): string[] {
  const { dataDirectory, domain } = config
  const kept = [`the data directory ${dataDirectory}`, 'the apps’ volumes and databases, and the images they run from']
  return [
    `goes   the server of ${domain}: it stops, and all of its apps with it`,
    `goes   ${unitPath}, ${settings}, and the users paas-router, paas-api, paas-worker and paas-gate`,
    'goes   in Docker: its containers, networks and build caches',
    ...kept.map((one) => `${data ? 'goes ' : 'stays'}  ${one}`),
    'stays  this clone, Docker, and the stack images that servers of this engine share (docs/operations.md, "Remove")',
  ]
}

/** @throws installation_failed, engine_unavailable */
export async function removeService({ config, settings, data, engineOf, say }: Removing): Promise<void> {
  if (isInstalled()) await systemctl('disable', '--now', unitName)
  await endRouter(config)
  say('the server has stopped')
  const serverId = existsSync(config.paths.format) ? findServerId(config) : undefined
  if (serverId !== undefined) {
    const engine = engineOf(serverId)
    await (data ? engine.removeServer() : engine.haltServer())
    say('its containers, networks and caches are removed')
  }
  rmSync(unitPath, { force: true })
  await systemctl('daemon-reload')
  await removeRoleUsers()
  rmSync(settings, { force: true })
  if (data) rmSync(config.dataDirectory, { recursive: true, force: true })
  say(
    data ? `all is removed, ${config.dataDirectory} too` : `all is removed; the data stays in ${config.dataDirectory}`,
  )
}

/** It would serve on for some time. */
async function endRouter(config: Config): Promise<void> {
  const pid = await servingRouter(config)
  if (pid === undefined) return
  process.kill(pid, 'SIGTERM')
  const deadline = performance.now() + 15_000
  while ((await servingRouter(config)) !== undefined) {
    if (performance.now() > deadline)
      throw new PaasError('installation_failed', `The router (pid ${pid}) does not stop.`)
    await sleep(100)
  }
}
