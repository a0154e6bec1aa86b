import { describe, expect, it } from 'vitest'
import { whyNoPebble } from '../helpers/pebble.ts'
import { startApp } from '../router/helpers/apps.ts'
import { ManagedSite } from './managed-site.ts'

const stateOf = (site: ManagedSite, name: string) => site.record(name)?.state

describe.skipIf(whyNoPebble !== undefined)(`a certificate that comes by itself (${whyNoPebble ?? 'Pebble'})`, () => {
  it('is there soon after a domain leads here, though half of the nonces are refused, and is shown', async () => {
    await using site = await ManagedSite.start()
    await site.pebble.says('www.shop.test', ['127.0.0.1'])
    site.app('shop', ['www.shop.test'])
    await expect.poll(() => stateOf(site, 'www.shop.test'), { timeout: 60_000 }).toEqual({ kind: 'issued' })
    const shown = await site.shown('www.shop.test')
    expect([shown.checkHost('www.shop.test'), shown.issuer]).toEqual(['www.shop.test', expect.stringMatching(/Pebble/)])
    expect(site.log).toEqual([expect.stringMatching(/^Certificate for www\.shop\.test issued, valid until 20\d\d-/)])
    const { issued, nextAt } = site.record('www.shop.test')!
    expect(issued!.renewAt.getTime()).toBeLessThan(issued!.endsAt.getTime())
    expect(nextAt.getTime()).toBeLessThanOrEqual(issued!.renewAt.getTime())
  })

  it('is not ordered for a domain that leads elsewhere, whose user is told what to change', async () => {
    await using site = await ManagedSite.start()
    await using other = await startApp((_, res) => res.end('somebody else'))
    await site.pebble.says('paas.test', ['127.0.0.1'])
    await site.pebble.says('away.shop.test', ['127.0.0.2'])
    site.app('shop', ['away.shop.test', 'nowhere.shop.test'], other.port)
    await expect.poll(() => stateOf(site, 'away.shop.test')?.kind).toBe('failing')
    await expect.poll(() => stateOf(site, 'nowhere.shop.test')?.kind).toBe('failing')
    await expect.poll(() => stateOf(site, 'paas.test')?.kind, { timeout: 60_000 }).toBe('issued')
    expect(stateOf(site, 'nowhere.shop.test')).toMatchObject({
      fault: 'dns',
      problem: 'The DNS has no address for nowhere.shop.test. It should say: nowhere.shop.test CNAME shop.paas.test.',
    })
    const orders = site.pebble.orders
    expect(site.log.filter((line) => line.includes('nowhere'))).toHaveLength(1)
    await site.pebble.says('nowhere.shop.test', ['127.0.0.1'])
    const { id, state } = site.record('nowhere.shop.test')!
    site.store.managedCertificates.setState(id, state, { failures: 1, nextAt: new Date() })
    site.wake()
    await expect.poll(() => stateOf(site, 'nowhere.shop.test')?.kind, { timeout: 60_000 }).toBe('issued')
    expect(site.pebble.orders).toBe(orders + 1)
  })

  it('leaves the path of challenges to an app that serves it too, but for the token that is waited for', async () => {
    await using site = await ManagedSite.start()
    await using app = await startApp((req, res) => res.end(`the app at ${req.url}`))
    await site.pebble.says('own.shop.test', ['127.0.0.1'])
    site.app('shop', ['own.shop.test'], app.port)
    const ask = async () => {
      const url = `http://127.0.0.1:${site.router.port}/.well-known/acme-challenge/mine`
      const { request } = await import('node:http')
      return new Promise<string>((resolve, reject) => {
        const asked = request(url, { headers: { host: 'own.shop.test' }, agent: false }, (response) => {
          let text = ''
          response.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(text))
        })
        asked.on('error', reject).end()
      })
    }
    for (;;) {
      const answer = await ask()
      // From then on visitors are sent to HTTPS.
      if (stateOf(site, 'own.shop.test')?.kind === 'issued') break
      expect(answer).toBe('the app at /.well-known/acme-challenge/mine')
    }
    expect((await site.shown('own.shop.test')).checkHost('own.shop.test')).toBe('own.shop.test')
  })

  it('stays when its authority is down, and is renewed when that is back', async () => {
    await using site = await ManagedSite.start()
    await site.pebble.says('www.shop.test', ['127.0.0.1'])
    site.app('shop', ['www.shop.test'])
    await expect.poll(() => stateOf(site, 'www.shop.test'), { timeout: 60_000 }).toEqual({ kind: 'issued' })
    const first = await site.shown('www.shop.test')
    await site.pebble.end()
    await site.end()
    await site.begin()
    site.makeDue('www.shop.test')
    site.wake()
    await expect
      .poll(() => stateOf(site, 'www.shop.test'), { timeout: 60_000 })
      .toMatchObject({ kind: 'failing', fault: 'authority', problem: expect.stringMatching(/cannot be reached/) })
    expect((await site.shown('www.shop.test')).fingerprint256).toBe(first.fingerprint256)
    await site.pebble.begin()
    await site.end()
    await site.begin()
    site.makeDue('www.shop.test')
    site.wake()
    await expect.poll(() => stateOf(site, 'www.shop.test'), { timeout: 90_000 }).toEqual({ kind: 'issued' })
    expect((await site.shown('www.shop.test')).fingerprint256).not.toBe(first.fingerprint256)
  })

  it('comes also when the worker was killed in the midst of an order', async () => {
    await using site = await ManagedSite.start()
    await site.pebble.says('www.shop.test', ['127.0.0.1'])
    site.app('shop', ['www.shop.test'])
    await expect.poll(() => stateOf(site, 'www.shop.test')?.kind).toBe('ordering')
    await site.end()
    expect(stateOf(site, 'www.shop.test')?.kind).toBe('ordering')
    await site.begin()
    await expect.poll(() => stateOf(site, 'www.shop.test'), { timeout: 60_000 }).toEqual({ kind: 'issued' })
  })

  it('goes when it is turned off, and is there again, without an order, when that is undone', async () => {
    await using site = await ManagedSite.start()
    await site.pebble.says('www.shop.test', ['127.0.0.1'])
    const app = site.app('shop', ['www.shop.test'])
    await expect.poll(() => stateOf(site, 'www.shop.test'), { timeout: 60_000 }).toEqual({ kind: 'issued' })
    site.store.apps.update(app.id, { acm: false })
    site.wake()
    expect(site.store.managedCertificates.list(app.id)).toEqual([])
    expect((await site.shown('www.shop.test')).issuer).not.toMatch(/Pebble/)
    const { orders } = site.pebble
    site.store.apps.update(app.id, { acm: true })
    site.wake()
    expect((await site.shown('www.shop.test')).issuer).toMatch(/Pebble/)
    expect([stateOf(site, 'www.shop.test'), site.pebble.orders]).toEqual([{ kind: 'issued' }, orders])
  })
})
