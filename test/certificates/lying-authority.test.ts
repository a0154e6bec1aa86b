import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { testAuthority } from '../helpers/certificates.ts'
import { whyNoPebble } from '../helpers/pebble.ts'
import { ManagedSite } from './managed-site.ts'

type Lie = { at: RegExp; answer: (response: ServerResponse) => void }

/** Stands before an authority, and answers some of what is asked in its place. */
class Liar implements AsyncDisposable {
  lie: Lie | undefined
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

describe.skipIf(whyNoPebble !== undefined)(`an authority that lies (${whyNoPebble ?? 'Pebble'})`, () => {
  it('takes no certificate away, whatever it answers', async () => {
    await using liar = await Liar.start()
    const settings = { PAAS_ACME_DIRECTORY: liar.directory, PAAS_ACME_CA_FILE: liar.trust }
    await using site = await ManagedSite.start({ settings })
    liar.before(site.pebble.directory)
    const name = 'www.shop.test'
    await site.pebble.says(name, ['127.0.0.1'])
    site.app('shop', [name])
    await expect.poll(() => site.record(name)?.state, { timeout: 60_000 }).toEqual({ kind: 'issued' })
    // It was asked when it wants to be asked again.
    await expect.poll(() => site.record(name)!.nextAt.getTime() > Date.now() + 60_000, { timeout: 20_000 }).toBe(true)
    const before = await site.shown(name)
    const other = await (await testAuthority()).issue(['other.example'])
    const pem = { 'content-type': 'application/pem-certificate-chain' }
    const lies: [RegExp, (response: ServerResponse) => void, RegExp][] = [
      [/^\/certZ/, (to) => to.writeHead(200, pem).end(other.certificate), /certificate that cannot be used/],
      [/^\/certZ/, (to) => to.writeHead(200, pem).end('nonsense'), /certificate that cannot be used/],
      [/^\/order-plz/, (to) => to.writeHead(500).end('<html>'), /is out of order/],
      [/^\/order-plz/, (to) => to.writeHead(200).end('null'), /out of order|broken off/],
      [/^\/finalize-order/, (to) => to.destroy(), /cannot be reached/],
    ]
    for (const [at, answer, problem] of lies) {
      liar.lie = { at, answer }
      site.makeDue(name)
      site.wake()
      await expect
        .poll(() => site.record(name)!.state, { timeout: 30_000 })
        .toMatchObject({ kind: 'failing', problem: expect.stringMatching(problem) })
      expect((await site.shown(name)).fingerprint256).toBe(before.fingerprint256)
    }
    liar.lie = undefined
    site.makeDue(name)
    site.wake()
    await expect.poll(() => site.record(name)!.state, { timeout: 60_000 }).toEqual({ kind: 'issued' })
    expect((await site.shown(name)).fingerprint256).not.toBe(before.fingerprint256)
  })
})
