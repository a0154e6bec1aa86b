import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { testAuthority } from '../helpers/certificates.ts'

export type Lie = { at: RegExp; answer: (response: ServerResponse) => void }

/** Stands before an authority, and answers some of what is asked in its place. */
export class Liar implements AsyncDisposable {
  lie: Lie | undefined
  /** What the last order wants a certificate for: DER. */
  request: Buffer | undefined
  readonly #target = Promise.withResolvers<string>()
  readonly #server

  /** A file with the authority that its own certificate is of. */
  readonly trust = join(mkdtempSync(join(tmpdir(), 'paas-liar-')), 'authority.pem')

  private constructor(identity: { certificate: string; key: string }, authority: string) {
    writeFileSync(this.trust, authority)
    const listener = (asked: IncomingMessage, answer: ServerResponse) => void this.#pass(asked, answer)
    this.#server = createServer({ cert: identity.certificate, key: identity.key }, listener)
  }

  static async start(): Promise<Liar> {
    const authority = await testAuthority()
    const liar = new Liar(await authority.issue(['localhost']), authority.certificate)
    liar.#server.listen(0, '127.0.0.1')
    await once(liar.#server, 'listening')
    return liar
  }

  get directory(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}/dir`
  }

  before(directory: string): void {
    this.#target.resolve(directory)
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = asked
    const body = await buffer(asked)
    if (/finalize/.test(url)) this.request = requestIn(body)
    if (this.lie?.at.test(url)) return this.lie.answer(answer)
    const target = new URL(url, await this.#target.promise)
    const outgoing = request(target, { method, headers, rejectUnauthorized: false, agent: false }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers)
      got.pipe(answer)
    })
    outgoing.on('error', () => answer.destroy())
    outgoing.end(body)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(dirname(this.trust), { recursive: true })
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** RFC 8555, section 7.4. */
function requestIn(body: Buffer): Buffer {
  const { payload } = JSON.parse(body.toString()) as { payload: string }
  const { csr } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { csr: string }
  return Buffer.from(csr, 'base64url')
}
