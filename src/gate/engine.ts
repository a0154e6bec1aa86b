import { request, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { isCode, PaasError } from '../errors.ts'

/** Bytes of an answer that is read whole. */
const longestAnswer = 64 * 2 ** 20

export type EngineCall = { method: string; path: string; headers?: OutgoingHttpHeaders }

/** The engine behind a socket. Each call has a connection of its own. */
export class GatedEngine {
  readonly #socketPath: string

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  call({ method, path, headers }: EngineCall): ClientRequest {
    return request({
      socketPath: this.#socketPath,
      method,
      path,
      headers: { host: 'docker', ...headers },
      agent: false,
    })
  }

  /** What the engine says of something; undefined: there is none. */
  async find<T>(path: string): Promise<T | undefined> {
    const answer = await this.get(path)
    const content = await readWhole(answer)
    if (answer.statusCode === 404) return undefined
    if (answer.statusCode !== 200) throw new Error(`The engine answered ${answer.statusCode} to GET ${path}.`)
    return JSON.parse(content.toString()) as T
  }

  get(path: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      this.call({ method: 'GET', path }).on('response', resolve).on('error', reject).end()
    })
  }
}

/** Why the engine cannot be reached, or broke off (errno(3)); undefined for any other error. */
export function awayCode(thrown: unknown): string | undefined {
  const { code } = (thrown ?? {}) as { code?: string }
  const isAway = code !== undefined && /^E[A-Z]+$/.test(code) && !isCode(thrown, 'ERR_STREAM_PREMATURE_CLOSE')
  return isAway ? code : undefined
}

/** What the engine says instead of doing as it was asked. */
export async function refusalOf(answer: IncomingMessage): Promise<Error> {
  const said = (await readWhole(answer)).toString().slice(0, 1000)
  if (/no space left on device/i.test(said))
    return new PaasError('disk_full', "The disk that holds Docker's data is full.", { cause: said })
  return new Error(`The engine answered ${answer.statusCode}: ${said}`)
}

/** @throws for an answer longer than any that is of use */
export async function readWhole(answer: IncomingMessage, most = longestAnswer): Promise<Buffer> {
  let bytes = 0
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > most) answer.destroy(new Error('The answer is too long.'))
  })
  return buffer(answer)
}
