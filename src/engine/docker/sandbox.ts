import { addAbortSignal, type Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Sandbox, SandboxFile, SandboxSpec } from '../engine.ts'
import type { DynoExit } from '../../model/dyno-exit.ts'
import { label, type Kind } from '../labels.ts'
import { archivedFile } from './archived-file.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { watchDisk } from './disk-watch.ts'
import { explainLoss, runExec } from './exec.ts'
import { IdleProcess } from './idle.ts'
import { commitContainer, sharedLabels } from './images.ts'
import { imageName } from './names.ts'
import type { NetworkDeps } from './networks.ts'
import type { Host } from './host.ts'
import { inspectEnd, oomKills } from './out-of-memory.ts'
import { removeContainer } from './removal.ts'
import { sandboxOptions } from './sandbox-options.ts'

/**
 * A started container that waits for what is to run in it. An abort at any time kills and removes
 * it.
 */
export async function createSandbox(deps: NetworkDeps, spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
  signal.throwIfAborted()
  const container = await deps.docker.createContainer(await sandboxOptions(deps, spec))
  const sandbox = new DockerSandbox(deps, spec, container, signal)
  try {
    await sandbox.start()
    signal.throwIfAborted()
    return sandbox
  } catch (error) {
    await sandbox[Symbol.asyncDispose]()
    signal.throwIfAborted()
    throw error
  }
}

type SandboxDeps = DockerDeps & { host: Pick<Host, 'diskUsage'> }

class DockerSandbox implements Sandbox {
  readonly id: string
  readonly #deps: SandboxDeps
  readonly #spec: SandboxSpec
  readonly #container: Docker.Container
  readonly #signal: AbortSignal
  #first: IdleProcess | undefined
  #removal: Promise<void> | undefined
  #oomKills = 0

  constructor(deps: SandboxDeps, spec: SandboxSpec, container: Docker.Container, signal: AbortSignal) {
    this.id = container.id
    this.#deps = deps
    this.#spec = spec
    this.#container = container
    this.#signal = signal
    if (signal.aborted) this.#kill()
    signal.addEventListener('abort', this.#kill)
  }

  async start(): Promise<void> {
    this.#first = await IdleProcess.start(this.#container, this.#spec)
  }

  get waits(): boolean {
    return this.#first?.waits === true && this.#removal === undefined
  }

  run(...[order, onOutput, signal]: Parameters<Sandbox['run']>) {
    return this.#guard(signal, async () => {
      await this.#first?.obey(order, ({ data, stream }) => onOutput(data, stream))
      return { exit: () => exitOf(this.#container) }
    })
  }

  async put(path: string, files: Readable): Promise<void> {
    await this.#container.putArchive(files, { path, abortSignal: this.#signal })
  }

  async read(path: string, signal: AbortSignal): Promise<SandboxFile | undefined> {
    const either = AbortSignal.any([signal, this.#signal])
    const archive = await unlessMissing(this.#container.getArchive({ path, abortSignal: either }))
    return archive && archivedFile(addAbortSignal(either, archive as Readable))
  }

  exec(...[command, onOutput, signal]: Parameters<Sandbox['exec']>): Promise<DynoExit> {
    return this.#guard(signal, async (either) => {
      const code = await runExec(this.#container, command, (frame) => onOutput(frame.data, frame.stream), either)
      return { code, outOfMemory: code !== 0 && (await this.#wasShortOfMemory()) }
    })
  }

  async commit({ reference, config }: Parameters<Sandbox['commit']>[0]) {
    const owner = { [label.server]: this.#deps.serverId, [label.kind]: 'image' satisfies Kind }
    const labels = reference === undefined ? { ...config.labels, ...owner } : { ...sharedLabels, ...config.labels }
    const name = reference ?? imageName(this.#deps.serverId)
    const own = { command: ['/bin/bash'], ...config, labels }
    return commitContainer(this.#deps, this.#container, { reference: name, config: own })
  }

  async [Symbol.asyncDispose]() {
    this.#signal.removeEventListener('abort', this.#kill)
    await this.#removeOrTell()
  }

  /**
   * Work that ends with the sandbox's removal when a signal is aborted, or when it writes too much
   * to disk.
   */
  async #guard<T>(signal: AbortSignal, work: (either: AbortSignal) => Promise<T>): Promise<T> {
    const ended = new AbortController()
    const either = AbortSignal.any([signal, this.#signal, this.#watchDisk(ended.signal)])
    try {
      either.throwIfAborted()
      return await Promise.race([work(either), rejection(either)])
    } catch (error) {
      if (either.aborted) await this.#remove()
      throw error
    } finally {
      ended.abort()
    }
  }

  readonly #kill = () => void this.#removeOrTell()

  /** One that the engine does not remove goes at the worker's next start; its work stands. */
  async #removeOrTell(): Promise<void> {
    try {
      await this.#remove()
    } catch (err) {
      this.#deps.log.warn({ err, sandbox: this.id }, 'sandbox not removed')
    }
  }

  #remove(): Promise<void> {
    this.#first?.leave()
    this.#removal ??= removeContainer(this.#container)
    return this.#removal
  }

  /** A signal that is aborted, with the error as its reason, when the sandbox wrote too much. */
  #watchDisk(ended: AbortSignal): AbortSignal {
    const overfull = new AbortController()
    const { limits, appId } = this.#spec
    if (limits.diskMiB === undefined) return overfull.signal
    const watch = { container: this.#container, limitMiB: limits.diskMiB, host: this.#deps.host }
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

async function exitOf(container: Docker.Container): Promise<DynoExit> {
  await container.wait().catch(explainLoss)
  const { State } = await inspectEnd(container).catch(explainLoss)
  return { code: State.ExitCode, outOfMemory: State.ExitCode !== 0 && State.OOMKilled }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
