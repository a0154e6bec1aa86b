import { describe, expect, it } from 'vitest'
import { tarballOf } from '../helpers/tarball.ts'
import { TestApi, type Answer } from './test-api.ts'

const api = await TestApi.forFile()
await api.createApp('acme')
api.deploy(api.store.apps.find('acme')!)
await api.worker.disposeAsync()

const said = ({ status, body }: Answer) => `${status} ${String(body['id'])}: ${String(body['message'])}`

describe('while no worker runs', () => {
  it('the dynos that should run are down, with the reason', async () => {
    const { status, body } = await api.call('GET', '/apps/acme/dynos')
    const reason = { id: 'worker_unavailable', message: 'the worker, which runs dynos, does not answer' }
    expect([status, body]).toMatchObject([200, [{ name: 'web.1', state: 'down', reason }]])
  })

  it('a size is given to dynos all the same', async () => {
    const { status, body } = await api.call('PATCH', '/apps/acme/formation/web', { body: { size: 'standard-2x' } })
    expect([status, body]).toMatchObject([200, { size: 'Standard-2X' }])
  })

  it('a build cache is not emptied, and a slug is not taken and can be sent again', async () => {
    const away = /^503 worker_unavailable: The worker does not answer/
    expect(said(await api.call('DELETE', '/apps/acme/build-cache'))).toMatch(away)
    const { body } = await api.call('POST', '/apps/acme/slugs', { body: { process_types: { web: 'node .' } } })
    const path = new URL(String(body['blob']!['url'])).pathname
    const upload = { body: await tarballOf({ 'app/a': 'a' }), token: null, headers: { 'content-type': '' } }
    for (let n = 0; n < 2; n++) expect(said(await api.call('PUT', path, upload))).toMatch(away)
  })
})
