import { resolve } from 'node:path'
import { createStack } from '../../src/build/stack/debian.ts'
import { loadConfig } from '../../src/config.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { newSecrets, type Addon } from '../../src/model/addon.ts'
import { newId, type AddonId, type AppId } from '../../src/model/ids.ts'
import { planNamed, serviceNamed } from '../../src/model/service.ts'
import { readServices } from '../../src/services/definition.ts'
import { untilHealthy } from '../../src/services/healthy.ts'
import { serviceImage } from '../../src/services/image.ts'
import { archiveVolume, hasArchive, serviceSpec } from '../../src/services/spec.ts'
import { docker, never, testEngine } from '../engine/support.ts'

const ownServices = resolve(import.meta.dirname, '../../services')

/** An engine with add-ons of ours, of no server. Disposal removes all that it made. */
export class RunningServices implements AsyncDisposable {
  readonly engine: Engine
  readonly #server: Awaited<ReturnType<typeof testEngine>>
  #count = 0

  private constructor(server: Awaited<ReturnType<typeof testEngine>>) {
    this.#server = server
    this.engine = server.engine
  }

  static async open(): Promise<RunningServices> {
    return new RunningServices(await testEngine())
  }

  /** One that answers. */
  async start(name: string, planName?: string): Promise<RunningService> {
    const { engine } = this
    const service = serviceNamed(
      readServices([ownServices], (problem) => expectNo(problem)),
      name,
    )!
    const plan = planNamed(service, planName)!
    const { digest: image } = await serviceImage(
      { engine, stack: createStack({ engine, config: loadConfig() }) },
      { service, extras: [], versions: [service.version] },
      () => undefined,
    )
    const id = newId<AddonId>()
    const addon: Addon = {
      id,
      appId: newId<AppId>(),
      accountId: null,
      name: `${service.family}-test-${(this.#count += 1)}`,
      service: service.name,
      plan: plan.name,
      version: service.version,
      host: `${service.family}-${id.slice(-12)}`,
      process: `${service.family}.1`,
      state: { kind: 'provisioning' },
      origin: null,
      extras: [],
      exposed: null,
      fill: 'usual',
      held: 'no',
      bytes: null,
      createdAt: new Date(),
      updatedAt: new Date(),
    }
    const { appId } = addon
    if (service.data) await engine.createVolume({ id, owner: id, kind: 'service', name: addon.name })
    if (hasArchive(service)) await engine.createVolume({ ...archiveVolume(addon), kind: 'backups', name: addon.name })
    const known = { app: 'acme', appIds: [appId], secrets: newSecrets() }
    await engine.runService(serviceSpec(addon, { service, plan, image }, known), never)
    const running = new RunningService(engine, addon)
    await running.answers()
    return running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]()
  }
}

export class RunningService {
  readonly addon: Addon
  readonly #engine: Engine

  constructor(engine: Engine, addon: Addon) {
    this.#engine = engine
    this.addon = addon
  }

  async container(): Promise<string> {
    return (await this.#engine.listServices({ addonId: this.addon.id }))[0]!.id
  }

  async answers(): Promise<void> {
    const [container] = await this.#engine.listServices({ addonId: this.addon.id })
    await untilHealthy({ engine: this.#engine }, this.addon, container!, never)
  }

  /** As by a machine that loses power; then it is started again. */
  async isKilled(): Promise<void> {
    const id = await this.container()
    await docker('kill', id)
    await docker('start', id)
    await this.answers()
  }

  /** Runs a line of bash beside it; `$s` is where its programs are. */
  async run(line: string): Promise<string> {
    const argv = ['/bin/bash', '-c', `set -eo pipefail; s=/usr/lib/paas/service; ${line}`]
    const { code, output } = await this.#engine.execInService(await this.container(), { argv }, never)
    if (code !== 0) throw new Error(`${line} exited with ${code}: ${output}`)
    return output.trim()
  }
}

function expectNo(problem: Error): never {
  throw problem
}
