import type { IncomingMessage, ServerResponse } from 'node:http'
import { randomBytes } from 'node:crypto'
import { gzip } from 'node:zlib'
import { promisify } from 'node:util'
import { PaasError } from '../../errors.ts'
import type { Html } from '../html.ts'
import { cookieName, cookiesOf, setCookie, type CookieName } from './cookies.ts'

const compressed = promisify(gzip)

/** Below it the head of an answer is more than what compression saves, bytes. */
const leastCompressed = 1000
/** Of a form, bytes: as much as a body of the API may have. */
const mostFormBytes = 2 ** 20

/** One request of a browser, and its answer. */
export class WebExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  /** Of the scripts and styles of this answer; nothing else of either kind is run. */
  readonly nonce = randomBytes(16).toString('base64')
  readonly #cookies: string[] = []

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request
    this.response = response
    this.url = new URL(request.url ?? '/', 'http://localhost')
  }

  /** The router says so: only it reaches this server's socket. */
  get isSecure(): boolean {
    return this.header('x-forwarded-proto') === 'https'
  }

  /** The value of a header; undefined where it is missing or not one. */
  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }

  cookie(name: CookieName): string | undefined {
    return cookiesOf(this.header('cookie') ?? '').get(cookieName(name, this.isSecure))
  }

  /** `seconds`: how long the browser keeps it; 0 removes it. */
  setCookie(name: CookieName, value: string, seconds: number): void {
    this.#cookies.push(setCookie({ name, value, seconds, isSecure: this.isSecure }))
  }

  /** @throws media_type_unsupported, payload_too_large */
  async readForm(): Promise<URLSearchParams> {
    if (this.header('content-type')?.split(';')[0]?.trim() !== 'application/x-www-form-urlencoded') {
      throw new PaasError('media_type_unsupported', 'A form is sent as application/x-www-form-urlencoded.')
    }
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of this.request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > mostFormBytes) throw new PaasError('payload_too_large', 'The form has more than 1 MiB.')
      chunks.push(chunk)
    }
    return new URLSearchParams(Buffer.concat(chunks).toString())
  }

  async sendHtml(status: number, page: Html): Promise<void> {
    await this.send(status, String(page), { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' })
  }

  /** To another page, which the browser gets with GET. */
  async redirect(to: string): Promise<void> {
    await this.send(303, '', { Location: to, 'Cache-Control': 'no-store' })
  }

  async send(status: number, body: string | Buffer, headers: Record<string, string>): Promise<void> {
    const whole = Buffer.from(body)
    const isPacked = whole.length >= leastCompressed && this.takesGzip && !headers['Content-Encoding']
    const packed = isPacked ? await compressed(whole, { level: 6 }) : whole
    this.response.writeHead(status, {
      ...this.head(),
      Vary: 'Accept, Accept-Encoding, Cookie',
      ...headers,
      ...(isPacked ? { 'Content-Encoding': 'gzip' } : {}),
      'Content-Length': String(packed.length),
    })
    this.response.end(this.request.method === 'HEAD' ? undefined : packed)
  }

  /** What every answer has: nothing of others is loaded, and no other page has it in a frame. */
  head(): Record<string, string | string[]> {
    const policy = [
      `default-src 'none'`,
      `script-src 'nonce-${this.nonce}'`,
      `style-src 'nonce-${this.nonce}'`,
      `img-src 'self'`,
      `connect-src 'self'`,
      `form-action 'self'`,
      `frame-ancestors 'none'`,
      `base-uri 'none'`,
    ]
    return {
      'Content-Security-Policy': policy.join('; '),
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Referrer-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
      ...(this.#cookies.length > 0 ? { 'Set-Cookie': this.#cookies } : {}),
    }
  }

  get takesGzip(): boolean {
    return /\bgzip\b/.test(this.header('accept-encoding') ?? '')
  }
}
