import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Sandbox, SandboxSpec } from '../engine.ts'
import type { DockerDeps } from './client.ts'
import { watchDisk } from './disk-watch.ts'
import { runExec } from './exec.ts'
import { startIdle } from './idle.ts'
import { commitContainer, sharedLabels } from './images.ts'
import type { PendingNetworks } from './networks.ts'
import { oomKills } from './oom.ts'
import { removeContainer } from './removal.ts'
import { cacheOf, sandboxOptions } from './sandbox-options.ts'

/** A started container that idles until `exec` runs something in it. An abort at any time kills and removes it. */
export async function createSandbox(
  deps: DockerDeps & { pending: PendingNetworks },
  spec: SandboxSpec,
  signal: AbortSignal,
): Promise<Sandbox> {
  signal.throwIfAborted()
  const container = await deps.docker.createContainer(await sandboxOptions(deps, spec))
  const sandbox = new DockerSandbox(deps, spec, container, signal)
  try {
    await startIdle(container, spec)
    signal.throwIfAborted()
    return sandbox
  } catch (error) {
    await sandbox[Symbol.asyncDispose]()
    signal.throwIfAborted()
    throw error
  }
}

class DockerSandbox implements Sandbox {
  readonly id: string
  readonly #deps: DockerDeps
  readonly #spec: SandboxSpec
  readonly #container: Docker.Container
  readonly #signal: AbortSignal
  #removal: Promise<void> | undefined
  #oomKills = 0

  constructor(deps: DockerDeps, spec: SandboxSpec, container: Docker.Container, signal: AbortSignal) {
    this.id = container.id
    this.#deps = deps
    this.#spec = spec
    this.#container = container
    this.#signal = signal
    if (signal.aborted) this.#kill()
    signal.addEventListener('abort', this.#kill)
  }

  async put(path: string, files: Readable): Promise<void> {
    await this.#container.putArchive(files, { path, abortSignal: this.#signal })
  }

  async get(path: string): Promise<Readable> {
    return (await this.#container.getArchive({ path, abortSignal: this.#signal })) as Readable
  }

  async exec(...[command, onOutput, signal]: Parameters<Sandbox['exec']>) {
    const ended = new AbortController()
    const overfull = this.#watchDisk(ended.signal)
    const either = AbortSignal.any([signal, this.#signal, overfull])
    try {
      const code = await runExec(this.#container, command, (frame) => onOutput(frame.data, frame.stream), either)
      return { code, outOfMemory: code !== 0 && (await this.#wasShortOfMemory()) }
    } catch (error) {
      if (either.aborted) await this.#remove()
      throw error
    } finally {
      ended.abort()
    }
  }

  async commit({ reference, config }: Parameters<Sandbox['commit']>[0]) {
    const own = { command: ['/bin/bash'], ...config, labels: { ...sharedLabels, ...config.labels } }
    return commitContainer(this.#deps, this.#container, { reference, config: own })
  }

  async [Symbol.asyncDispose]() {
    this.#signal.removeEventListener('abort', this.#kill)
    await this.#remove()
  }

  readonly #kill = () => {
    this.#remove().catch((error: unknown) => this.#deps.log.warn({ error, sandbox: this.id }, 'sandbox not removed'))
  }

  #remove(): Promise<void> {
    this.#removal ??= removeContainer(this.#container)
    return this.#removal
  }

  /** A signal that is aborted, with the error as its reason, when the sandbox wrote too much. */
  #watchDisk(ended: AbortSignal): AbortSignal {
    const overfull = new AbortController()
    const { limits, appId } = this.#spec
    if (limits.diskMiB === undefined) return overfull.signal
    const cache = cacheOf(this.#deps, this.#spec)
    const watch = { container: this.#container, cache, limitMiB: limits.diskMiB }
    watchDisk(watch, ended).catch((error: unknown) => {
      this.#deps.log.info({ error, app: appId, sandbox: this.id }, 'disk watch ended')
      overfull.abort(error)
    })
    return overfull.signal
  }

  /** True when the kernel killed a process of this sandbox for memory since the last look. */
  async #wasShortOfMemory(): Promise<boolean> {
    const before = this.#oomKills
    this.#oomKills = await oomKills(this.#container)
    return this.#oomKills > before
  }
}
