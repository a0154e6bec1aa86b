import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { catalogue } from '../errors-catalogue.ts'
import { PaasError, type ErrorCode } from '../errors.ts'
import type { VolumeId } from '../model/ids.ts'

type Asked = { method: 'GET' | 'PUT' | 'POST'; path: string; params?: Record<string, string>; signal: AbortSignal }

/** The backup target, of which the worker knows no more than this (docs/decisions/0135). */
export class Vault {
  readonly #socketPath: string

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  /**
   * @param open called when the target is ready
   * @returns by what the copy is found again
   * @throws backup_target_refused, backup_failed, and what the copy fails with
   */
  async store(volume: VolumeId, open: () => Promise<Readable>, signal: AbortSignal): Promise<string> {
    const call = this.#call({ method: 'PUT', path: '/copy', params: { volume }, signal }, { expect: '100-continue' })
    const answered = answerTo(call)
    const ready = once(call, 'continue')
    for (const outcome of [answered, ready]) outcome.catch(() => undefined)
    await Promise.race([ready, answered])
    try {
      await send(call, await open(), answered)
    } catch (cause) {
      call.destroy()
      throw cause
    }
    const { snapshot } = (await json(await answered)) as { snapshot: string }
    return snapshot
  }

  /** @throws backup_missing, backup_target_refused, backup_failed */
  async read(snapshot: string, signal: AbortSignal): Promise<Readable> {
    return this.#ask({ method: 'GET', path: '/copy', params: { snapshot }, signal })
  }

  /** The copies that the target still has. */
  async list(signal: AbortSignal): Promise<string[]> {
    return (await json(await this.#ask({ method: 'GET', path: '/copies', signal }))) as string[]
  }

  /** Removes what is older than it is to be kept. */
  async retire(signal: AbortSignal): Promise<void> {
    ;(await this.#ask({ method: 'POST', path: '/retire', signal })).resume()
  }

  #ask(asked: Asked): Promise<IncomingMessage> {
    const call = this.#call(asked)
    const answered = answerTo(call)
    call.end()
    return answered
  }

  #call({ path, params = {}, ...asked }: Asked, headers = {}): ClientRequest {
    const search = new URLSearchParams(params).toString()
    return request({ ...asked, path: `${path}?${search}`, socketPath: this.#socketPath, agent: false, headers })
  }
}

/** @throws what the vault says, or backup_failed where none answers */
async function answerTo(call: ClientRequest): Promise<IncomingMessage> {
  try {
    const [answer] = (await once(call, 'response')) as [IncomingMessage]
    if (answer.statusCode === 200) return answer
    throw asError(await json(answer))
  } catch (cause) {
    if (cause instanceof PaasError || (cause as Error).name === 'AbortError') throw cause
    throw new PaasError('backup_failed', 'The process that keeps backups does not answer.', { cause })
  }
}

/** An answer that comes before all was sent says why it is not taken. */
async function send(call: ClientRequest, source: Readable, answered: Promise<unknown>): Promise<void> {
  const sent = pipeline(source, call)
  sent.catch(() => undefined)
  try {
    await Promise.race([sent, answered])
  } catch (cause) {
    source.destroy()
    throw source.errored ?? (await answered.catch((told: unknown) => told)) ?? cause
  }
}

function asError(told: unknown): PaasError {
  const { code, message, hint } = told as { code: ErrorCode; message: string; hint?: string }
  return new PaasError(code in catalogue ? code : 'internal', message, { hint })
}
