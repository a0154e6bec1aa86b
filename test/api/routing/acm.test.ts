import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { routeFor } from '../../../src/dynos/route.ts'
import type { App } from '../../../src/model/app.ts'
import { usualRenewal } from '../../../src/model/managed-certificate.ts'
import { testAuthority, type TestAuthority } from '../../helpers/certificates.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const domain = 'paas.host.example'
const api = await TestApi.forFile({ PAAS_DOMAIN: domain, PAAS_ACME_DIRECTORY: 'https://ca.example/directory' })
let authority: TestAuthority

beforeAll(async () => {
  authority = await testAuthority()
})

/** An app with a domain that the worker has put on record. */
async function appWith(name: string, hostname: string): Promise<App> {
  const app = await api.newApp(name)
  await api.call('POST', `/apps/${name}/domains`, { body: { hostname, sni_endpoint: null } })
  api.store.managedCertificates.add({ name: hostname, names: [hostname], appId: app.id })
  return app
}

async function issue(hostname: string): Promise<void> {
  const identity = await authority.issue([hostname])
  const { validFromDate: from, validToDate: to } = new X509Certificate(identity.certificate)
  const dates = { issuedAt: new Date(), endsAt: to, renewAt: usualRenewal({ from, to }) }
  const { id } = api.store.managedCertificates.find(hostname)!
  api.store.managedCertificates.issue(id, { ...identity, ...dates }, new Date())
}

function fail(hostname: string, failures: number): void {
  const { id } = api.store.managedCertificates.find(hostname)!
  const state = { kind: 'failing', fault: 'dns', problem: `The DNS has no address for ${hostname}.` } as const
  api.store.managedCertificates.setState(id, state, { failures, nextAt: new Date('2030-01-02T03:04:05Z') })
}

const domainOf = async (app: string, hostname: string) =>
  (await api.call('GET', `/apps/${app}/domains/${hostname}`)).body

describe('certificates that come by themselves', () => {
  it('are on for every app, and can be turned off and on, of which the worker is told', async () => {
    await api.newApp('switched')
    expect((await api.call('GET', '/apps/switched')).body['acm']).toBe(true)
    const { body } = await api.call('DELETE', '/apps/switched/acm')
    expect([body['acm'], await api.takeJobs()]).toEqual([false, [{ kind: 'certificates' }]])
    expect((await api.call('PATCH', '/apps/switched/acm', { body: { acm_refresh: true } })).status).toBe(422)
    expect((await api.call('POST', '/apps/switched/acm', { body: {} })).body['acm']).toBe(true)
    await expect.poll(() => api.logOf('switched')).toMatch(/Disable automatic certificates by user admin@example\.com/)
  })

  it('show at each domain how they are, in words of Heroku', async () => {
    await appWith('shown', 'www.shown.example')
    expect(await domainOf('shown', 'www.shown.example')).toMatchObject({
      acm_status: 'pending',
      acm_status_reason: null,
    })
    fail('www.shown.example', 1)
    expect(await domainOf('shown', 'www.shown.example')).toMatchObject({
      acm_status: 'failing',
      acm_status_reason: 'The DNS has no address for www.shown.example. Tried again at 2030-01-02T03:04:05Z.',
    })
    fail('www.shown.example', 5)
    expect(await domainOf('shown', 'www.shown.example')).toMatchObject({ acm_status: 'failed' })
    await issue('www.shown.example')
    expect(await domainOf('shown', 'www.shown.example')).toMatchObject({
      acm_status: 'cert issued',
      acm_status_reason: null,
    })
    const { body } = await api.call('GET', '/apps/shown/acm')
    expect(body).toMatchObject({ available: true, enabled: true })
    expect(body['certificates']).toEqual([
      expect.objectContaining({ hostnames: ['www.shown.example'], status: 'cert issued', next_attempt_at: null }),
    ])
  })

  it('are shown to visitors, until another one is there, and their keys are nowhere in the open', async () => {
    const app = await appWith('served', 'www.served.test')
    await issue('www.served.test')
    const { certificates } = routeFor({ store: api.store, domain }, app, { ready: [], wantsWeb: false })
    expect(certificates).toEqual([
      expect.objectContaining({ hosts: ['www.served.test'], key: expect.stringContaining('PRIVATE KEY') }),
    ])
    fail('www.served.test', 7)
    expect(routeFor({ store: api.store, domain }, app, { ready: [], wantsWeb: false }).certificates).toHaveLength(1)
    expect(await domainOf('served', 'www.served.test')).toMatchObject({ acm_status: 'cert issued' })
    const { text } = await api.call('GET', '/apps/served/acm')
    expect(text).not.toContain('PRIVATE')
  })

  it('are in the list of certificates as such, and neither changed nor removed there', async () => {
    await appWith('listed', 'www.listed.test')
    await issue('www.listed.test')
    const { body } = await api.call('GET', '/apps/listed/sni-endpoints')
    const { id: domainId } = await domainOf('listed', 'www.listed.test')
    expect(body).toEqual([expect.objectContaining({ domains: [domainId] })])
    expect(body[0]!['ssl_cert']).toMatchObject({ acm: true, cert_domains: ['www.listed.test'] })
    const path = `/apps/listed/sni-endpoints/${String(body[0]!['name'])}`
    expect((await api.call('GET', path)).body).toEqual(body[0])
    const refused = await api.call('DELETE', path)
    expect([refused.status, refused.body['message']]).toEqual([422, expect.stringMatching(/comes by itself/)])
  })

  it('are tried again now when somebody asks, but not before the authority wants', async () => {
    await appWith('eager', 'www.eager.example')
    fail('www.eager.example', 3)
    await api.call('PATCH', '/apps/eager/acm', { body: { acm_refresh: true } })
    const { id, nextAt } = api.store.managedCertificates.find('www.eager.example')!
    expect(nextAt.getTime()).toBeLessThanOrEqual(Date.now())
    const limited = { kind: 'failing', fault: 'limit', problem: 'Too many.' } as const
    const later = new Date('2030-01-01T00:00:00Z')
    api.store.managedCertificates.setState(id, limited, { failures: 4, nextAt: later })
    await api.call('PATCH', '/apps/eager/acm', { body: { acm_refresh: true } })
    expect(api.store.managedCertificates.find('www.eager.example')!.nextAt).toEqual(later)
  })

  it('go with their app', async () => {
    const app = await appWith('gone', 'www.gone.example')
    api.store.apps.markDestroying(app.id)
    expect(api.store.managedCertificates.find('www.gone.example')).toBeUndefined()
  })
})

it('shows every route of its own', () => expectAllSeen('routing/acm.test.ts'))
