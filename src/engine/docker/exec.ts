import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import { statusOf } from './client.ts'
import { readFrames, type Frame } from './frames.ts'

export type ExecCommand = {
  argv: string[]
  env?: Record<string, string>
  user?: string
  workingDirectory?: string
}

/**
 * Runs one command in a running container to its end and gives the exit code.
 * An abort stops the reading, not the process: the caller kills the container.
 */
export async function runExec(
  container: Docker.Container,
  command: ExecCommand,
  onFrame: (frame: Frame) => void,
  signal?: AbortSignal,
): Promise<number> {
  signal?.throwIfAborted()
  const exec = await container.exec(execOptions(command))
  const stream = await exec.start({ hijack: true, stdin: false })
  const hangUp = () => stream.destroy()
  signal?.addEventListener('abort', hangUp)
  try {
    await readAll(stream, onFrame)
    return await exitCode(exec)
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', hangUp)
    stream.destroy()
  }
}

function execOptions({ argv, env, user, workingDirectory }: ExecCommand): Docker.ExecCreateOptions {
  return {
    Cmd: argv,
    Env: Object.entries(env ?? {}).map(([key, value]) => `${key}=${value}`),
    AttachStdout: true,
    AttachStderr: true,
    ...(user === undefined ? {} : { User: user }),
    ...(workingDirectory === undefined ? {} : { WorkingDir: workingDirectory }),
  }
}

async function readAll(stream: Duplex, onFrame: (frame: Frame) => void) {
  try {
    for await (const frame of readFrames(stream)) onFrame(frame)
  } catch (cause) {
    if (!stream.errored && !stream.destroyed) throw cause
    throw new PaasError('engine_unavailable', 'The connection to Docker broke while a command ran.', { cause })
  }
}

/**
 * A process may close its output and run on, which is rare; only then there is something to wait
 * for.
 */
export async function exitCode(exec: Docker.Exec): Promise<number> {
  for (let pause = 5; ; pause = Math.min(pause * 2, 250)) {
    const state = await exec.inspect().catch(explainLoss)
    if (!state.Running && state.ExitCode !== null) return state.ExitCode
    await delay(pause)
  }
}

/**
 * Of a program whose containerd died Docker itself writes why, in the place of its last line.
 * @throws engine_unavailable
 */
export function checkKept({ code, output }: { code: number; output: string }): void {
  if (code !== 126) return
  const line = output.trimEnd().split('\n').at(-1) ?? ''
  const isLost = line.endsWith(': unavailable') || line.endsWith('ttrpc: closed: unknown')
  if (isLost || line.includes('code = Unavailable'))
    throw new PaasError('engine_unavailable', 'Docker lost a command while it ran.')
}

/** For a container that is gone: the engine stopped, or somebody removed it. */
export function explainLoss(cause: unknown): never {
  if (statusOf(cause) !== 404) throw cause
  throw new PaasError('engine_unavailable', 'The container went away while a command ran in it.', { cause })
}
