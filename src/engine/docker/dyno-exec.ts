import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import type { AttachedExec, ExecSpec, TerminalSize } from '../engine.ts'
import { readOutput } from './attach.ts'
import { statusOf, type DockerDeps } from './client.ts'
import { ownContainer } from './dynos.ts'
import { exitCode, runExec } from './exec.ts'
import { preparation } from './preparation.ts'

/**
 * In the environment of each process of a session: the engine itself cannot end what it was told to
 * run beside a dyno's process.
 */
export const sessionMark = 'PAAS_SESSION'

const launcher = `
${preparation}exec /bin/bash -c "$1"
`

/**
 * Uses only bash builtins, since an image may have little else. Processes that remain after two
 * seconds are killed.
 */
const ender = `
send() {
  left=
  for place in /proc/[0-9]*; do
    while IFS= read -r -d '' variable; do
      if [ "$variable" = "$1" ]; then left=1; kill -"$2" "\${place#/proc/}"; fi
    done < "$place/environ"
  done
} 2>/dev/null
send "$1" HUP
for wait in {1..20}; do
  send "$1" 0
  if [ -z "$left" ]; then exit; fi
  read -r -t 0.1 <> <(:)
done
send "$1" KILL
`

/** The exit code of a process whose dyno ended: SIGKILL. */
const killed = 137

export async function execInDyno(
  deps: DockerDeps,
  id: string,
  { session, command, env, terminal }: ExecSpec,
  signal: AbortSignal,
): Promise<AttachedExec> {
  signal.throwIfAborted()
  const container = await ownContainer(deps, id)
  if (!container) throw new PaasError('not_found', 'The dyno no longer exists.')
  const size = terminal ? [String(terminal.columns), String(terminal.rows)] : []
  const options = {
    Cmd: ['/bin/bash', '-c', launcher, 'exec', command, ...size],
    Env: Object.entries({ ...env, [sessionMark]: session }).map(([key, value]) => `${key}=${value}`),
    Tty: terminal !== undefined,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  }
  const exec = await container.exec(options).catch(explainStopped)
  const stream = (await exec.start({ hijack: true, stdin: true, Tty: options.Tty }).catch(explainStopped)) as Duplex
  // The process may end before its input does; the rest of the input has no reader.
  stream.on('error', (error) => deps.log.debug({ error }, 'the stream of a process in a dyno broke'))
  return {
    input: stream,
    output: readOutput(stream, options.Tty),
    resize: (to) => (terminal ? resize(exec, to) : Promise.resolve()),
    exit: () => exitCode(exec).catch(explainGone),
  }
}

export async function endExec(deps: DockerDeps, id: string, session: string): Promise<void> {
  const container = await ownContainer(deps, id)
  if (!container) return
  try {
    await runExec(container, { argv: ['/bin/bash', '-c', ender, 'end', `${sessionMark}=${session}`] }, () => undefined)
  } catch (error) {
    if (!isGone(error) && !(error instanceof PaasError)) throw error
  }
}

async function resize(exec: Docker.Exec, { columns, rows }: TerminalSize): Promise<void> {
  try {
    await exec.resize({ w: columns, h: rows })
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** @throws not_found for what does not run */
export function explainStopped(cause: unknown): never {
  if (isGone(cause)) throw new PaasError('not_found', 'The dyno is not running.', { cause })
  throw cause
}

function explainGone(cause: unknown): number {
  if (isGone(cause) || cause instanceof PaasError) return killed
  throw cause
}

/**
 * 404: there is no such container or process any more; 409: the container does not run; 400 and
 * 500: it ended just then.
 */
function isGone(error: unknown): boolean {
  return [400, 404, 409, 500].includes(statusOf(error) ?? 0)
}
