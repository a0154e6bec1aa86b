import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TestApi, type Answer } from './test-api.ts'

const api = await TestApi.forFile()
await api.createApp('acme')
const app = api.store.apps.find('acme')!
api.deploy(app)

/** Whatever comes, it is answered: with data, or with an error of the user's, never of ours. */
function expectAnswered({ status, body, headers }: Answer): void {
  expect(status).toBeLessThan(500)
  expect(headers['request-id']).toMatch(/./)
  if (status < 400) return
  expect(headers['content-type']).toMatch(/^application\/json/)
  expect(Object.keys(body)).toEqual(['id', 'message'])
}

const field = fc.constantFrom(
  'name',
  'release',
  'updates',
  'quantity',
  'type',
  'commit',
  'scope',
  'email',
  'lines',
  'dyno',
)
const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: 'binary' }), fc.constantFrom('web', 'v2', '+1'))
const anyBody = fc.oneof(fc.jsonValue(), fc.dictionary(field, value, { maxKeys: 4 }))

// By its id: among the JSON is a new name for it.
it('any JSON is answered by every route that takes some', async () => {
  const routes = api.routes.filter((route) => /^(POST|PATCH) /.test(route) && !route.includes('/oauth'))
  expect(routes.length).toBeGreaterThan(8)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...routes), anyBody, async (route, body) => {
      const [method = '', pattern = ''] = route.split(' ')
      const path = pattern.replace(':app', app.id).replace(':type', 'web').replaceAll(/:\w+/g, 'x')
      expectAnswered(await api.call(method, path, { body: JSON.stringify(body) }))
    }),
    { numRuns: 400 },
  )
  expect((await api.call('GET', '/account')).status).toBe(200)
})

const tooMuch = {
  'config vars': Object.fromEntries(Array.from({ length: 80_000 }, (_, index) => [`K${index}`, ''])),
  'an env': { env: Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`K${index}`, 'x'])) },
  updates: { updates: Array.from({ length: 5000 }, () => ({ type: 'web', quantity: 1 })) },
  'values in values': Array.from({ length: 2000 }).reduce<object>((inner) => ({ a: inner, b: [1] }), {}),
  'a long text': { name: 'x'.repeat(300_000) },
  'a long name': { ['x'.repeat(300_000)]: null },
}

it.each(Object.entries(tooMuch))(
  'too much in a body (%s) is refused by every route before it does anything',
  async (_, body) => {
    const routes = api.routes.filter(
      (route) => /^(POST|PATCH|PUT) /.test(route) && !/\/oauth|^PUT \/(sources|slugs)|^PUT .*\/files$/.test(route),
    )
    expect(routes).toContain('PUT /apps/:app/buildpack-installations')
    const text = JSON.stringify(body)
    for (const route of routes) {
      const [method = '', pattern = ''] = route.split(' ')
      const path = pattern.replace(':app', app.id).replaceAll(/:\w+/g, 'x')
      const { status, body: answer } = await api.call(method, path, { body: text })
      expect([route, status, answer.id]).toEqual([route, 413, 'payload_too_large'])
    }
  },
)

it('any path and any header is answered', async () => {
  const visible = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) })
  const header = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })
  const path = fc.oneof(
    visible,
    visible.map((text) => `/apps/${text}`),
    visible.map((text) => `/apps/acme/${text}`),
  )
  await fc.assert(
    fc.asyncProperty(path, header, header, async (text, range, authorization) => {
      const target = `/${text.replace(/^\/+/, '')}`
      expectAnswered(await api.call('GET', target, { headers: { range } }))
      expectAnswered(await api.call('GET', '/apps', { token: null, headers: { authorization } }))
    }),
    { numRuns: 300 },
  )
  expect((await api.call('GET', '/account')).status).toBe(200)
})
