import { describe, expect, it } from 'vitest'
import type { TsigKey } from '../../src/acme-settings.ts'
import { updateSetter } from '../../src/certificates/records/update.ts'
import { NameServer, nameServers, updateKey as key } from '../helpers/name-server.ts'
import { whyNoPebble } from '../helpers/pebble.ts'
import { refusingPort } from '../router/helpers/apps.ts'
import { ManagedSite } from './managed-site.ts'

const own = [{ name: 'zone.test', updates: true }]
const setterAt = (port: number, more: { key?: TsigKey; zone?: string } = { key }) => {
  const base = { kind: 'rfc2136', host: '127.0.0.1', port, zone: undefined, key: undefined } as const
  return updateSetter({ ...base, ...more })
}

for (const { name: called, program, whyNot } of nameServers) {
  describe.skipIf(whyNot !== undefined)(`a record at a name server that takes updates (${whyNot ?? called})`, () => {
    it('is set beside others of its name, and taken away alone, with a signed update', async () => {
      await using server = await NameServer.start(program, own)
      const setter = setterAt(server.port)
      const name = '_acme-challenge.www.zone.test'
      await setter.set(name, 'one')
      await setter.set(name, 'two')
      expect((await server.texts(name)).toSorted()).toEqual(['one', 'two'])
      await setter.unset(name, 'one')
      expect(await server.texts(name)).toEqual(['two'])
      await setterAt(server.port, { key, zone: 'zone.test' }).unset(name, 'two')
      expect(await server.texts(name)).toEqual([])
    })

    it('is refused without the key, with another one, and in a zone of somebody else, which says so', async () => {
      await using server = await NameServer.start(program, own)
      const name = '_acme-challenge.www.zone.test'
      await expect(setterAt(server.port, {}).set(name, 'one')).rejects.toThrow(
        /^The name server 127\.0\.0\.1:\d+ did not set _acme-challenge\.www\.zone\.test: .* \((NOTAUTH|REFUSED)\)\.$/,
      )
      const other = { ...key, secret: Buffer.from('another key').toString('base64') }
      await expect(setterAt(server.port, { key: other }).set(name, 'one')).rejects.toThrow(/NOTAUTH/)
      const elsewhere = setterAt(server.port).set('_acme-challenge.other.example', 'one')
      await expect(elsewhere).rejects.toThrow(/has no zone with/)
      expect(await server.texts(name)).toEqual([])
    })

    it('is not set when the server is away', async () => {
      const setter = setterAt(refusingPort, { zone: 'zone.test', key })
      await expect(setter.set('_acme-challenge.zone.test', 'one')).rejects.toThrow(/did not set .* ECONNREFUSED/)
    })
  })

  const neither = whyNot ?? whyNoPebble
  describe.skipIf(neither !== undefined)(
    `a wildcard that is proven by updates (${neither ?? `${called}, Pebble`})`,
    () => {
      const issued = { kind: 'issued' }

      it('is issued for the names of apps, and for a domain whose proof has another name, and serves what is below', async () => {
        await using server = await NameServer.start(program, [
          { name: 'paas.test', updates: true, records: ['@ 60 A 127.0.0.1', '* 60 A 127.0.0.1'] },
          {
            name: 'shop.test',
            updates: true,
            records: ['* 60 A 127.0.0.1', '_acme-challenge 60 CNAME proofs'],
          },
        ])
        const { name, algorithm, secret } = key
        await using site = await ManagedSite.start({
          nameServer: `127.0.0.1:${server.port}`,
          settings: {
            PAAS_ACME_DNS: 'rfc2136',
            PAAS_ACME_DNS_SERVER: `127.0.0.1:${server.port}`,
            PAAS_ACME_DNS_KEY: `${algorithm}:${name}:${secret}`,
          },
        })
        site.app('shop', ['*.shop.test'])
        // That of the server's own name is proven so too, by a text beside the wildcard's.
        for (const wanted of ['paas.test', '*.paas.test', '*.shop.test']) {
          await expect.poll(() => site.record(wanted)?.state, { timeout: 90_000 }).toEqual(issued)
        }
        expect((await site.shown('shop.paas.test')).checkHost('shop.paas.test')).toBe('*.paas.test')
        const below = await site.shown('any.shop.test')
        expect([below.checkHost('any.shop.test'), below.issuer]).toEqual([
          '*.shop.test',
          expect.stringMatching(/Pebble/),
        ])
        expect(await server.texts('_acme-challenge.paas.test')).toEqual([])
        expect(await server.texts('_acme-challenge.shop.test')).toEqual([])
      })

      it('says what the name server says where the key is another', async () => {
        await using server = await NameServer.start(program, [
          { name: 'paas.test', updates: true, records: ['* 60 A 127.0.0.1'] },
        ])
        const { name, algorithm } = key
        const other = Buffer.from('another key').toString('base64')
        await using site = await ManagedSite.start({
          nameServer: `127.0.0.1:${server.port}`,
          settings: {
            PAAS_ACME_DNS: 'rfc2136',
            PAAS_ACME_DNS_SERVER: `127.0.0.1:${server.port}`,
            PAAS_ACME_DNS_KEY: `${algorithm}:${name}:${other}`,
          },
        })
        await expect.poll(() => site.record('*.paas.test')?.state.kind, { timeout: 60_000 }).toBe('failing')
        expect(site.record('*.paas.test')!.state).toMatchObject({
          problem: expect.stringMatching(/did not set _acme-challenge\.paas\.test: .*\(NOTAUTH\)\.$/),
        })
      })
    },
  )
}
