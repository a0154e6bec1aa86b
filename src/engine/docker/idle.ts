import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import type { Sandbox, SandboxSpec } from '../engine.ts'
import { ownCache } from './cache.ts'
import { readFrames, type Frame } from './frames.ts'

type Order = Parameters<Sandbox['run']>[0]

/**
 * What a sandbox runs first. It waits for an order on its standard input, where neither the
 * engine's records nor a layer nor the process list has it: a line with the command, then tars of
 * files (one after another, so with zeros in between), among them secrets; the engine's own archive
 * call does not reach a tmpfs. Then it becomes the command.
 */
const script = `
if [[ -n $1 && ! -w $1 ]]; then echo foreign cache; fi
echo ready
shift
[[ $# -eq 0 ]] || "$@" </dev/null >/dev/null 2>&1 &
IFS= read -r order || exit
mapfile -d '' -t words < <(base64 --decode <<<"$order")
tar --extract --no-same-owner --ignore-zeros --file=- --directory=/ || exit
exec env -- "\${words[@]}" </dev/null
`

export function idleCommand({ cacheAt, meanwhile = [] }: SandboxSpec): Docker.ContainerCreateOptions {
  return {
    Entrypoint: [],
    Cmd: ['/bin/bash', '-c', script, 'sandbox', cacheAt ?? '', ...meanwhile],
    OpenStdin: true,
    StdinOnce: true,
  }
}

/** The first process of a container that runs and waits for its order. */
export class IdleProcess {
  readonly #stream: Duplex
  readonly #frames: AsyncGenerator<Frame>
  /** What it says next; nothing before it has its order, unless it ends. */
  #next: Promise<IteratorResult<Frame, void>> | undefined
  #ended = false

  private constructor(stream: Duplex) {
    this.#stream = stream
    this.#frames = framesOf(stream)
    // The next frame reports a broken connection.
    stream.on('error', () => undefined)
  }

  /** Starts the container; resolves when it waits, and its cache is the tenant's. */
  static async start(container: Docker.Container, { cacheAt }: SandboxSpec): Promise<IdleProcess> {
    const streams = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true }
    const process = new IdleProcess((await container.attach(streams)) as Duplex)
    try {
      await container.start()
      const said = await process.#untilReady()
      if (said.includes('foreign cache\n') && cacheAt) await ownCache(container, cacheAt)
      return process
    } catch (error) {
      process.leave()
      throw error
    }
  }

  /** False once it has got its order, or has ended without one. */
  get waits(): boolean {
    return !this.#ended && this.#stream.writable
  }

  /**
   * Returns it its order; resolves at the end of its output. Nothing more is read until `onFrame`
   * is done with what there was.
   * @throws the error of the files, which it then has got a part of
   */
  async obey({ argv, env, files }: Order, onFrame: (frame: Frame) => Promise<void> | void): Promise<void> {
    const { promise: broken, reject } = Promise.withResolvers<never>()
    files.on('error', reject)
    const words = [...Object.entries(env).map(([key, value]) => `${key}=${value}`), ...argv]
    this.#stream.write(`${Buffer.from(words.join('\0')).toString('base64')}\n`)
    files.pipe(this.#stream)
    const read = this.#read(onFrame)
    read.catch(() => undefined)
    try {
      await Promise.race([read, broken])
    } finally {
      files.destroy()
    }
  }

  leave(): void {
    this.#stream.destroy()
  }

  async #untilReady(): Promise<string> {
    let said = ''
    while (!said.endsWith('ready\n')) {
      const { value } = await this.#frames.next()
      if (!value) throw didNotStart(said)
      said += value.data.toString()
    }
    this.#next = this.#frames.next()
    const end = () => (this.#ended = true)
    this.#next.then(end, end)
    return said
  }

  async #read(onFrame: (frame: Frame) => Promise<void> | void): Promise<void> {
    const first = await this.#next
    if (!first?.value) return
    await onFrame(first.value)
    for await (const frame of this.#frames) await onFrame(frame)
  }
}

async function* framesOf(stream: Duplex): AsyncGenerator<Frame> {
  try {
    yield* readFrames(stream)
  } catch (cause) {
    throw new PaasError('engine_unavailable', 'The connection to Docker broke while a sandbox was at work.', { cause })
  }
}

function didNotStart(said: string): PaasError {
  return new PaasError(
    'internal',
    `The build container did not start: ${said.trim().slice(0, 500) || 'it said nothing'}`,
  )
}
