import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { AppId } from '../../model/ids.ts'
import type { Sandbox, SandboxSpec } from '../engine.ts'
import { label, type Kind } from '../labels.ts'
import { ensureCache, ownCache } from './cache.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { runExec } from './exec.ts'
import { confined, trusted } from './host-config.ts'
import { commitContainer } from './images.ts'
import { containerName } from './names.ts'
import { ensureNetwork, type PendingNetworks } from './networks.ts'
import { oomKills } from './oom.ts'
import { giveSecrets, secretsMount } from './secrets.ts'

type SandboxDeps = DockerDeps & { pending: PendingNetworks }

/** A started container that idles until `exec` runs something in it. An abort at any time kills and removes it. */
export async function createSandbox(deps: SandboxDeps, spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
  signal.throwIfAborted()
  const container = await deps.docker.createContainer(await containerOptions(deps, spec))
  const sandbox = new DockerSandbox(deps, container, signal)
  try {
    if (spec.appId && spec.cacheAt) await ownCache(container, spec.cacheAt)
    await container.start()
    if (spec.secretsAt) await giveSecrets(container, spec.user, spec.secretsAt)
    signal.throwIfAborted()
    return sandbox
  } catch (error) {
    await sandbox[Symbol.asyncDispose]()
    throw error
  }
}

async function containerOptions(deps: SandboxDeps, spec: SandboxSpec): Promise<Docker.ContainerCreateOptions> {
  const confinement = spec.trusted ? trusted(spec.limits) : confined(spec.limits)
  return {
    name: containerName(deps.serverId, spec.name),
    Image: spec.image,
    Entrypoint: [],
    Cmd: ['sleep', 'infinity'],
    User: spec.user,
    Env: Object.entries(spec.env).map(([key, value]) => `${key}=${value}`),
    ...(spec.workingDirectory === undefined ? {} : { WorkingDir: spec.workingDirectory }),
    Labels: { ...spec.labels, ...sandboxLabels(deps.serverId, spec.appId) },
    HostConfig: {
      ...confinement,
      OomScoreAdj: 500,
      NetworkMode: await ensureNetwork(deps, spec.appId, 'build'),
      ...(spec.secretsAt ? { Tmpfs: secretsMount(spec.secretsAt.path, spec.user) } : {}),
      ...(spec.appId && spec.cacheAt ? { Binds: [`${await ensureCache(deps, spec.appId)}:${spec.cacheAt}`] } : {}),
    },
  }
}

function sandboxLabels(serverId: string, appId: AppId | undefined): Record<string, string> {
  return {
    [label.server]: serverId,
    [label.kind]: 'sandbox' satisfies Kind,
    [label.app]: appId ?? '',
  }
}

class DockerSandbox implements Sandbox {
  readonly id: string
  readonly #deps: SandboxDeps
  readonly #container: Docker.Container
  readonly #signal: AbortSignal
  readonly #kill = () => void this.#remove().catch((error: unknown) => this.#deps.log.warn({ error }, 'sandbox stays'))
  #removal: Promise<unknown> | undefined
  #oomKills = 0

  constructor(deps: SandboxDeps, container: Docker.Container, signal: AbortSignal) {
    this.id = container.id
    this.#deps = deps
    this.#container = container
    this.#signal = signal
    signal.addEventListener('abort', this.#kill)
  }

  async put(path: string, files: Readable): Promise<void> {
    await this.#container.putArchive(files, { path, abortSignal: this.#signal })
  }

  async get(path: string): Promise<Readable> {
    return (await this.#container.getArchive({ path, abortSignal: this.#signal })) as Readable
  }

  async exec(...[command, onOutput, signal]: Parameters<Sandbox['exec']>) {
    const either = AbortSignal.any([signal, this.#signal])
    try {
      const code = await runExec(this.#container, command, (frame) => onOutput(frame.data, frame.stream), either)
      return { code, outOfMemory: code !== 0 && (await this.#wasShortOfMemory()) }
    } catch (error) {
      if (either.aborted) await this.#remove()
      throw error
    }
  }

  async commit({ reference, config }: Parameters<Sandbox['commit']>[0]) {
    return commitContainer(this.#deps, this.#container, { reference, config })
  }

  async [Symbol.asyncDispose]() {
    this.#signal.removeEventListener('abort', this.#kill)
    await this.#remove()
  }

  /** True when the kernel killed a process of this sandbox for memory since the last look. */
  async #wasShortOfMemory(): Promise<boolean> {
    const before = this.#oomKills
    this.#oomKills = await oomKills(this.#container)
    return this.#oomKills > before
  }

  #remove(): Promise<unknown> {
    this.#removal ??= unlessMissing(this.#container.remove({ force: true, v: true }))
    return this.#removal
  }
}
