import { expect, it } from 'vitest'
import type { AppId } from '../../src/model/ids.ts'
import { defaultLimits } from '../../src/router/limits.ts'
import { LiveRoutes } from '../../src/router/live-routes.ts'
import { route } from './helpers/router.ts'

const asked = 10_000
const rounds = 10
/**
 * Times as long as among ten that a look-up may take: it is 2 to 8, as what is looked at is not in
 * the processor's cache. One that went through the routes would take 1,000.
 */
const most = 30

it.each([
  ['the name of an app', (n: number) => `app-${n}.paas.test`],
  ['a domain', (n: number) => `www.shop-${n}.example`],
  ['a name below a wildcard', (n: number) => `a.b.wild-${n}.example`],
  ['a name of nobody', (n: number) => `nobody-${n}.example`],
])('%s is looked up among 10,000 routes nearly as soon as among ten', (_, name) => {
  const few = { routes: routesOf(10), names: namesOf(name, 10) }
  const many = { routes: routesOf(10_000), names: namesOf(name, 10_000) }
  // The quickest of many rounds in turn, which nothing else came between.
  let [ofFew, ofMany] = [Infinity, Infinity]
  for (let round = 0; round < rounds; round++) {
    ofFew = Math.min(ofFew, timeOf(few))
    ofMany = Math.min(ofMany, timeOf(many))
  }
  expect(ofMany / ofFew).toBeLessThan(most)
})

type Asking = { routes: LiveRoutes; names: Buffer[] }

/** As a head has them: new strings each time. */
function timeOf({ routes, names }: Asking): number {
  const begun = performance.now()
  for (const bytes of names) routes.find(bytes.toString('latin1'))
  return performance.now() - begun
}

function routesOf(count: number): LiveRoutes {
  const routes = Array.from({ length: count }, (_, n) => {
    const hosts = [`app-${n}.paas.test`, `www.shop-${n}.example`, `*.wild-${n}.example`]
    return route([{ port: 1 + (n % 60_000) }], { appId: `app-${n}` as AppId, app: `app-${n}`, hosts })
  })
  // oxlint-disable-next-line no-empty-function -- nothing is held
  const held = { wake: () => {}, wakeAll: () => {} }
  const table = { controlHost: 'paas.test', controlSocket: '/nonexistent/api.sock', routes }
  return new LiveRoutes(table, { limits: defaultLimits, held })
}

/** Of all of them, as often. */
function namesOf(name: (n: number) => string, count: number): Buffer[] {
  return Array.from({ length: asked }, (_, i) => Buffer.from(name(i % count)))
}
