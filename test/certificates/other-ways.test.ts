import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freePort } from '../helpers/free-port.ts'
import { whyNoPebble } from '../helpers/pebble.ts'
import { ManagedSite } from './managed-site.ts'

const stateOf = (site: ManagedSite, name: string) => site.record(name)?.state
const soon = { timeout: 60_000 }
/** Names of nobody that a stranger asks for: `PAAS_TEST_STRANGERS=10000` for as many as that. */
const madeUp = Number(process.env['PAAS_TEST_STRANGERS'] ?? 200)

describe.skipIf(whyNoPebble !== undefined)(`a certificate (${whyNoPebble ?? 'Pebble'})`, () => {
  it('comes by a handshake where only the TLS port leads here', async () => {
    const httpPort = await freePort()
    await using site = await ManagedSite.start({ httpPort })
    await site.pebble.says('www.shop.test', ['127.0.0.1'])
    site.app('shop', ['www.shop.test'])
    await expect.poll(() => stateOf(site, 'www.shop.test'), soon).toEqual({ kind: 'issued' })
    expect((await site.shown('www.shop.test')).issuer).toMatch(/Pebble/)
  })

  it('is not ordered where somebody else has one of the addresses', async () => {
    await using site = await ManagedSite.start()
    await site.pebble.says('www.shop.test', ['127.0.0.1', '192.0.2.1'])
    site.app('shop', ['www.shop.test'])
    await expect.poll(() => stateOf(site, 'www.shop.test')?.kind, soon).toBe('failing')
    expect(stateOf(site, 'www.shop.test')).toMatchObject({
      fault: 'dns',
      problem: expect.stringMatching(
        /is at 127\.0\.0\.1, 192\.0\.2\.1, of which 192\.0\.2\.1 does not answer as this server/,
      ),
    })
    expect(site.pebble.output).not.toMatch(/www\.shop\.test.*newOrder/)
  })

  it(
    'for the name of an app comes when somebody asks, though a stranger asks for many names of nobody, which get none',
    async () => {
      await using site = await ManagedSite.start()
      for (const name of ['paas.test', 'shop.paas.test']) await site.pebble.says(name, ['127.0.0.1'])
      site.app('shop')
      await expect.poll(() => stateOf(site, 'paas.test'), soon).toEqual({ kind: 'issued' })
      expect(site.record('shop.paas.test')).toBeUndefined()
      const seen = new Set<string>()
      const strangers = (async () => {
        for (let first = 0; first < madeUp; first += 50) {
          const asked = Array.from({ length: 50 }, (_, n) => site.shown(`made-up-${first + n}.paas.test`))
          for (const { fingerprint256 } of await Promise.all(asked)) seen.add(fingerprint256)
        }
      })()
      const known = async (): Promise<void> => {
        await expect.poll(async () => (await site.shown('shop.paas.test')).issuer, soon).toMatch(/Pebble/)
      }
      await Promise.all([known(), strangers])
      expect(seen.size).toBe(1)
      expect(site.pebble.orders).toBe(2)
      const names = site.store.managedCertificates.listAll().map(({ name }) => name)
      expect(names.toSorted()).toEqual(['paas.test', 'shop.paas.test'])
    },
    120_000 + 60 * madeUp,
  )

  it('for the name of an app is asked for by a visitor without TLS too, who is sent to HTTPS from then on', async () => {
    await using site = await ManagedSite.start()
    await site.pebble.says('shop.paas.test', ['127.0.0.1'])
    site.app('shop')
    const status = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const options = { host: '127.0.0.1', port: site.router.port, headers: { host: 'shop.paas.test' }, agent: false }
        const asked = request(options, (response) => resolve(response.resume().statusCode))
        asked.on('error', reject).end()
      })
    expect(await status()).toBe(503)
    await expect.poll(status, soon).toBe(301)
  })

  it('of a wildcard is proven by a program of the operator, and serves all names below it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'paas-hook-'))
    await using cleared = new AsyncDisposableStack()
    cleared.defer(() => rmSync(directory, { recursive: true }))
    const program = join(directory, 'hook')
    const target = join(directory, 'url')
    writeFileSync(program, hook(target))
    chmodSync(program, 0o755)
    await using site = await ManagedSite.start({ settings: { PAAS_ACME_DNS: 'exec', PAAS_ACME_DNS_EXEC: program } })
    writeFileSync(target, site.pebble.manage)
    site.app('shop', ['*.shop.test'])
    for (const name of ['*.paas.test', 'paas.test', '*.shop.test']) {
      await expect.poll(() => stateOf(site, name), { timeout: 90_000 }).toEqual({ kind: 'issued' })
    }
    expect((await site.shown('shop.paas.test')).checkHost('shop.paas.test')).toBe('*.paas.test')
    expect((await site.shown('any.shop.test')).checkHost('any.shop.test')).toBe('*.shop.test')
  })

  it('of a wildcard is not ordered where nobody sets records, and says so', async () => {
    await using site = await ManagedSite.start()
    site.app('shop', ['*.shop.test'])
    await expect.poll(() => stateOf(site, '*.shop.test')?.kind, soon).toBe('failing')
    expect(stateOf(site, '*.shop.test')).toMatchObject({ problem: expect.stringMatching(/by DNS only.*PAAS_ACME_DNS/) })
  })

  it('of addresses has the short life that its authority has for them, and is shown to who names no host', async () => {
    const profiles = {
      default: { description: 'usual', validityPeriod: 7_776_000 },
      shortlived: { description: 'six days', validityPeriod: 518_400 },
    }
    await using site = await ManagedSite.start({ profiles, settings: { PAAS_ACME_ADDRESSES: '127.0.0.1' } })
    await expect.poll(() => stateOf(site, 'addresses'), soon).toEqual({ kind: 'issued' })
    const shown = await site.shown(undefined)
    expect([shown.checkIP('127.0.0.1'), shown.issuer]).toEqual(['127.0.0.1', expect.stringMatching(/Pebble/)])
    const { issuedAt, endsAt, renewAt } = site.record('addresses')!.issued!
    const days = (from: Date, to: Date) => Math.round((to.getTime() - from.getTime()) / 86_400_000)
    expect(days(issuedAt, endsAt)).toBe(6)
    expect(days(issuedAt, renewAt)).toBeLessThan(6)
  })

  it('comes from an authority that wants an account of the operator, and only with it', async () => {
    const secret = Buffer.from('a secret of thirty-two characters').toString('base64url')
    const config = { externalAccountBindingRequired: true, externalAccountMACKeys: { 'kid-1': secret } }
    await using site = await ManagedSite.start({
      config,
      settings: { PAAS_ACME_EAB_ID: 'kid-1', PAAS_ACME_EAB_KEY: secret },
    })
    await site.pebble.says('www.shop.test', ['127.0.0.1'])
    site.app('shop', ['www.shop.test'])
    await expect.poll(() => stateOf(site, 'www.shop.test'), soon).toEqual({ kind: 'issued' })
    await using without = await ManagedSite.start({ config })
    await without.pebble.says('www.shop.test', ['127.0.0.1'])
    without.app('shop', ['www.shop.test'])
    await expect
      .poll(() => stateOf(without, 'www.shop.test'), soon)
      .toMatchObject({ kind: 'failing', problem: expect.stringMatching(/PAAS_ACME_EAB_ID and PAAS_ACME_EAB_KEY/) })
  })

  it('is not ordered where CAA records forbid it, which names the record to add', async () => {
    await using site = await ManagedSite.start()
    await site.pebble.says('www.shop.test', ['127.0.0.1'])
    await site.pebble.forbids('www.shop.test')
    site.app('shop', ['www.shop.test'])
    await expect.poll(() => stateOf(site, 'www.shop.test')?.kind, soon).toBe('failing')
    expect(stateOf(site, 'www.shop.test')).toMatchObject({
      problem: expect.stringMatching(
        /CAA records of www\.shop\.test .* Add: www\.shop\.test CAA 0 issue "pebble\.letsencrypt\.org"/,
      ),
    })
    expect(site.pebble.orders).toBe(0)
    await site.pebble.permits('www.shop.test')
    site.retry('www.shop.test')
    await expect.poll(() => stateOf(site, 'www.shop.test'), soon).toEqual({ kind: 'issued' })
  })

  it('is renewed when its authority wants it, which is told what it replaces', async () => {
    await using site = await ManagedSite.start()
    await site.pebble.says('www.shop.test', ['127.0.0.1'])
    site.app('shop', ['www.shop.test'])
    await expect.poll(() => stateOf(site, 'www.shop.test'), soon).toEqual({ kind: 'issued' })
    const first = site.record('www.shop.test')!.issued!
    await site.pebble.wantsRenewal(first.certificate)
    site.askRenewal('www.shop.test')
    await expect.poll(() => site.record('www.shop.test')!.issued!.certificate === first.certificate, soon).toBe(false)
    expect(site.record('www.shop.test')!.state).toEqual({ kind: 'issued' })
  })
})

/** Tells the name server of the tests, whose URL is in a file. */
function hook(target: string): string {
  return `#!/bin/sh
set -eu
# The address is written a moment after the server is there.
until [ -s ${target} ]; do sleep 0.1; done
read -r url < ${target} || true
case $1 in set) verb=set-txt ;; *) verb=clear-txt ;; esac
exec curl -sSf -o /dev/null -d "{\\"host\\": \\"$2.\\", \\"value\\": \\"$3\\"}" "$url/$verb"
`
}
