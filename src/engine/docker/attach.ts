import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import type { AttachedDyno, DynoSpec, TerminalSize } from '../engine.ts'
import { statusOf, unlessMissing, type DockerDeps } from './client.ts'
import { viewDyno } from './dyno-view.ts'
import { createDyno, ownContainer, startContainer, type DynoDeps } from './dynos.ts'
import { runExec } from './exec.ts'
import { readFrames, type Frame } from './frames.ts'
import { removeContainer } from './removal.ts'

/**
 * Attached before it is started, so that no output is missed. After an abort or a failed start
 * nothing of it is left.
 */
export async function attachDyno(
  deps: DynoDeps,
  spec: DynoSpec,
  terminal: TerminalSize | undefined,
  signal: AbortSignal,
): Promise<AttachedDyno> {
  const container = await createDyno(deps, spec, signal, { terminal })
  try {
    const stream = (await container.attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
    })) as Duplex
    // The process may end before its input does; the rest of the input has no reader.
    stream.on('error', (error) => deps.log.debug({ error }, 'the stream of an attached dyno broke'))
    await startContainer(container, spec)
    signal.throwIfAborted()
    return {
      dyno: viewDyno(await container.inspect()),
      input: stream,
      output: readOutput(stream, terminal !== undefined),
      resize: (size) => (terminal ? resize(container, size) : Promise.resolve()),
    }
  } catch (error) {
    await removeContainer(container)
    throw error
  }
}

export async function* readOutput(stream: Duplex, isTerminal: boolean): AsyncGenerator<Frame> {
  try {
    if (!isTerminal) return yield* readFrames(stream)
    for await (const data of stream as AsyncIterable<Buffer>) yield { stream: 'stdout', data }
  } catch (cause) {
    throw new PaasError('engine_unavailable', 'The connection to Docker broke while a dyno was attached.', { cause })
  } finally {
    stream.destroy()
  }
}

/** The engine answers 409 when the process has ended, and 404 when the container is gone. */
async function resize(container: Docker.Container, { columns, rows }: TerminalSize): Promise<void> {
  try {
    await unlessMissing(container.resize({ w: columns, h: rows }))
  } catch (error) {
    if (statusOf(error) !== 409) throw error
  }
}

/**
 * Signals every process but the first (kill(2)), including those that a shell with job control has
 * put into process groups of their own.
 */
export async function hangUpDyno(deps: DockerDeps, id: string): Promise<void> {
  const container = await ownContainer(deps, id)
  if (!container) return
  try {
    await runExec(container, { argv: ['/bin/bash', '-c', 'kill -HUP -1'] }, () => undefined)
  } catch (error) {
    // The dyno is ending, or its image has no shell. If the engine is away, stopping the dyno
    // reports it.
    if (![400, 404, 409].includes(statusOf(error) ?? 0) && !(error instanceof PaasError)) throw error
  }
}
