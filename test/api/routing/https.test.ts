import { describe, expect, it } from 'vitest'
import { routeFor } from '../../../src/dynos/route.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()

const routeOf = (name: string) =>
  routeFor({ store: api.store, domain: 'localhost' }, api.store.apps.find(name)!, { ready: [], wantsWeb: false })

describe('what an app has of HTTPS', () => {
  it('is as is usual until somebody sets it, each part by itself, and the router is told', async () => {
    const { id: appId } = await api.newApp('secure')
    expect((await api.call('GET', '/apps/secure/https')).body).toEqual({ redirect: null, hsts: null })
    expect(routeOf('secure').https).toBeUndefined()
    await api.call('PATCH', '/apps/secure/https', { body: { redirect: true } })
    expect(await api.takeJobs()).toEqual([{ kind: 'converge', appId }])
    const { body } = await api.call('PATCH', '/apps/secure/https', { body: { hsts: 86_400 } })
    expect(body).toEqual({ redirect: true, hsts: 86_400 })
    expect(routeOf('secure').https).toEqual({ redirect: true, hsts: 86_400 })
    await expect
      .poll(() => api.logOf('secure'))
      .toMatch(/Set HTTPS redirect on, HSTS 86400 s by user admin@example\.com/)
    await api.call('PATCH', '/apps/secure/https', { body: { redirect: null, hsts: null } })
    expect(routeOf('secure').https).toBeUndefined()
  })

  it.each([[{ redirect: 'on' }], [{ hsts: -1 }], [{ hsts: 63_072_001 }], [{ hsts: 1.5 }], [{ preload: true }]])(
    'is not %j',
    async (body) => {
      const name = `wrong-${Object.keys(body)[0]}-${String(Object.values(body)[0]).replaceAll(/\W/g, '')}`
      await api.newApp(name.slice(0, 30).toLowerCase())
      expect((await api.call('PATCH', `/apps/${name.slice(0, 30).toLowerCase()}/https`, { body })).status).toBe(422)
    },
  )
})

it('shows every route of its own', () => expectAllSeen('routing/https.test.ts'))
