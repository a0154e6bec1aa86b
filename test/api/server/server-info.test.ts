import { mkdirSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()

it('says where TLS is spoken, and by whose authority once the router has made one', async () => {
  const { publicUrl: url, paths } = api.config
  expect((await api.call('GET', '/server')).body).toEqual({ url, tls: { port: 8443, authority: null } })
  mkdirSync(paths.tls, { recursive: true })
  writeFileSync(paths.tlsAuthority, 'a certificate')
  expect((await api.call('GET', '/server')).body).toEqual({ url, tls: { port: 8443, authority: 'a certificate' } })
})

it('is told to whoever has an account', async () => {
  expect((await api.call('GET', '/server', { token: null })).status).toBe(401)
  expect((await api.call('GET', '/server', { token: api.stranger().token })).status).toBe(200)
})

it('all answers have the shape of their route', () => expectAllSeen('server/server-info.test.ts'))
