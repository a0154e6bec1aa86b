import { beforeAll, expect, it } from 'vitest'
import type { AppId } from '../../src/model/ids.ts'
import type { TlsIdentity } from '../../src/router/tls/identity.ts'
import { route } from './helpers/router.ts'
import { startTlsRouter, testIdentity } from './helpers/tls-router.ts'

const count = 10_000
let identity: TlsIdentity

beforeAll(async () => {
  ;({ identity } = await testIdentity())
})

it('a stranger who asks for 10,000 names of nobody waits for none, leaves nothing, and has apps wait no longer', async () => {
  const apps = Array.from({ length: count }, (_, n) =>
    route([], { appId: `app-${n}` as AppId, app: `app-${n}`, hosts: [`app-${n}.paas.test`] }),
  )
  await using tls = await startTlsRouter(identity, { routes: apps })
  const { proofs, routes } = tls.router
  const onDemand = { http: [], tls: [], onDemand: true }
  proofs.show(onDemand)
  /** Milliseconds that handshakes for so many of them take of the router, beside the handshake itself. */
  const ask = async (from: number, to: number): Promise<number> => {
    const begun = performance.now()
    for (let n = from; n < to; n++) {
      const host = `made-up-${n}.paas.test`
      expect(routes.findCertificate(host)).toBeUndefined()
      await proofs.untilCertain(host)
    }
    return performance.now() - begun
  }
  const all = await ask(0, count)
  expect(all).toBeLessThan(count)
  const known = proofs.untilCertain('app-77.paas.test')
  await ask(count, count + 100)
  // What the worker is told: the one that leads to an app, and of the others nothing.
  expect(proofs.show(onDemand)).toEqual(['app-77.paas.test'])
  const certificates = [{ hosts: ['app-77.paas.test'], ...identity }]
  routes.switchTo({ ...apps[77]!, certificates })
  await known
  expect(proofs.show(onDemand)).toEqual([])
})
