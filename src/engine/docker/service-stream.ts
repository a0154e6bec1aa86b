import { randomUUID } from 'node:crypto'
import { Readable, type Duplex } from 'node:stream'
import { PaasError } from '../../errors.ts'
import type { ServiceStream } from '../services.ts'
import { type DockerDeps } from './client.ts'
import { endExec, explainStopped, sessionMark } from './dyno-exec.ts'
import { ownContainer } from './dynos.ts'
import { checkKept, exitCode } from './exec.ts'
import { readFrames } from './frames.ts'

/** Characters of stderr that are kept. */
const mostSaid = 16_384

export async function streamInService(
  deps: DockerDeps,
  id: string,
  { argv, env = {}, session = randomUUID() }: { argv: string[]; env?: Record<string, string>; session?: string },
  signal: AbortSignal,
): Promise<ServiceStream> {
  signal.throwIfAborted()
  const container = await ownContainer(deps, id)
  if (!container) throw new PaasError('not_found', 'The add-on is not running.')
  const options = {
    Cmd: argv,
    Env: Object.entries({ ...env, [sessionMark]: session }).map(([key, value]) => `${key}=${value}`),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  }
  const exec = await container.exec(options).catch(explainStopped)
  const stream = (await exec.start({ hijack: true, stdin: true }).catch(explainStopped)) as Duplex
  // The program may end before its input does; the rest of the input has no reader.
  stream.on('error', (error) => deps.log.debug({ error }, 'the stream of a program beside a service broke'))
  let said = ''
  const hear = (data: Buffer): void => void (said = (said + data.toString()).slice(-mostSaid))
  let last: Buffer = Buffer.alloc(0)
  const pass = (data: Buffer): void => void (last = data)
  const stop = (): void => void stream.destroy()
  signal.addEventListener('abort', stop)
  const output = Readable.from(readStdout(stream, { hear, pass, signal }), { objectMode: false })
  const closed = new Promise<void>((resolve, reject) => {
    output.once('close', () => {
      signal.removeEventListener('abort', stop)
      // Whoever stops reading has no use for the rest.
      if (output.readableEnded) resolve()
      else endExec(deps, id, session).then(resolve, reject)
    })
  })
  closed.catch(() => undefined)
  return {
    input: stream,
    output,
    ended: async () => {
      await closed
      signal.throwIfAborted()
      const code = await exitCode(exec)
      checkKept({ code, output: last.subarray(-mostSaid).toString() })
      return { code, said }
    },
  }
}

type Hearing = Record<'hear' | 'pass', (data: Buffer) => void> & { signal: AbortSignal }

async function* readStdout(stream: Duplex, { hear, pass, signal }: Hearing): AsyncGenerator<Buffer> {
  try {
    for await (const { stream: which, data } of readFrames(stream)) {
      if (which === 'stderr') hear(data)
      else {
        pass(data)
        yield data
      }
    }
    signal.throwIfAborted()
  } catch (cause) {
    signal.throwIfAborted()
    throw new PaasError('engine_unavailable', 'The connection to Docker broke while a program ran.', { cause })
  } finally {
    stream.destroy()
  }
}
