import 'reflect-metadata'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import { describe, expect, it } from 'vitest'
import { AuthorityError } from '../../src/certificates/acme/order.ts'
import { orderCertificate } from '../../src/certificates/acme/order-process.ts'
import { testAuthority } from '../helpers/certificates.ts'
import { Pebble, whyNoPebble } from '../helpers/pebble.ts'
import { Liar, type Lie } from './liar.ts'
import { ManagedSite } from './managed-site.ts'

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
    const own = await certifier(name)
    const pem = { 'content-type': 'application/pem-certificate-chain' }
    const issues = (make: () => Promise<string>) => (to: ServerResponse) =>
      void make().then((text) => to.writeHead(200, pem).end(text))
    const days = (from: number, to: number) => issues(() => own.certify(liar.request!, { from, to }))
    const unusable = /certificate that cannot be used/
    const lies: [RegExp, (response: ServerResponse) => void, RegExp][] = [
      [/^\/certZ/, issues(async () => other.certificate), /cannot be used\. The private key does not belong/],
      [/^\/certZ/, issues(async () => 'nonsense'), unusable],
      [/^\/certZ/, days(-10, -1), /cannot be used\. The certificate expired on/],
      [/^\/certZ/, days(1, 10), /cannot be used\. The certificate is not valid before/],
      [
        /^\/certZ/,
        issues(() => own.certify(liar.request!, { from: -1, to: 10, names: ['other.test'] })),
        /cannot be used\. It is not for www\.shop\.test/,
      ],
      [
        /^\/certZ/,
        issues(async () => (await own.certify(liar.request!, { from: -1, to: 10 })) + other.certificate),
        /cannot be used\. Certificate 2 of the chain did not issue/,
      ],
      [/^\/certZ/, (to) => endless(to.writeHead(200, pem)), /is out of order.*over 1048576 bytes/],
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
      expect(site.record(name)!.nextAt.getTime()).toBeGreaterThan(Date.now() + 30_000)
    }
    liar.lie = undefined
    site.makeDue(name)
    site.wake()
    await expect.poll(() => site.record(name)!.state, { timeout: 60_000 }).toEqual({ kind: 'issued' })
    expect((await site.shown(name)).fingerprint256).not.toBe(before.fingerprint256)
  })
})

describe.skipIf(whyNoPebble !== undefined)('an authority that hangs', () => {
  const steps = ['/dir', '/nonce-plz', '/sign-me-up', '/order-plz', '/authZ/', '/chalZ/', '/finalize-order/', '/certZ/']

  it('holds an order up no longer than one answer may take, at whatever step', async () => {
    await using pebble = await Pebble.start({ ports: { http: 1, tls: 1 }, env: { PEBBLE_VA_ALWAYS_VALID: '1' } })
    /** What an order comes to that is answered so at this step. */
    const order = async (step: string, answer: Lie['answer']): Promise<unknown> => {
      const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
      await using liar = await Liar.start()
      liar.before(pebble.directory)
      liar.lie = { at: new RegExp(`^${step}`), answer }
      const account = { key: key.toString(), url: undefined, email: undefined, binding: undefined }
      const authority = { directory: liar.directory, trust: [readFileSync(liar.trust, 'utf8')], answerWithin: 3_000 }
      const wanted = {
        names: ['www.shop.test'],
        challenge: 'http-01' as const,
        profile: undefined,
        replaces: undefined,
      }
      const signal = AbortSignal.timeout(60_000)
      return await orderCertificate(
        { ...authority, account, ...wanted },
        { present: async () => undefined, signal },
      ).catch((cause: unknown) => (cause instanceof AuthorityError ? cause.problem.type : cause))
    }
    const silent = (): void => undefined
    const outcomes = await Promise.all(steps.map((step) => order(step, silent)))
    expect(outcomes).toEqual(steps.map(() => 'slow'))
    // Each byte begins a limit of silence anew.
    expect(await order('/certZ/', (to) => drip(to.writeHead(200)))).toBe('slow')
  })
})

/** More than anybody reads. */
function endless(to: ServerResponse): void {
  const piece = Buffer.alloc(65_536, 'A')
  const more = (): void => {
    while (!to.destroyed) if (!to.write(piece)) return void to.once('drain', more)
  }
  more()
}

function drip(to: ServerResponse): void {
  const timer = setInterval(() => to.write('-'), 100)
  to.on('close', () => clearInterval(timer))
}

/** An authority that certifies whatever it likes for who asked. */
async function certifier(name: string) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const day = (days: number): Date => new Date(Date.now() + days * 86_400_000)
  return {
    certify: async (der: Buffer, { from, to, names = [name] }: { from: number; to: number; names?: string[] }) => {
      const certificate = await X509CertificateGenerator.create({
        publicKey: new Pkcs10CertificateRequest(Uint8Array.from(der).buffer).publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        issuer: 'CN=nobody',
        notBefore: day(from),
        notAfter: day(to),
        extensions: [new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value })))],
      })
      return `${certificate.toString('pem')}\n`
    },
  }
}
