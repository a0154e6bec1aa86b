import { describe, expect, it } from 'vitest'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()

/** Made with ssh-keygen, whose fingerprints they are. */
const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILW9HHZ+nQuXL5tJnTrsiZGosm2aW8wzDSE/ymk2Q1Xr ada@laptop'
const rsa =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDM/0FHwowOlpnp8YyYkqptL8EOp7YrDMuPHhhjzismizot9zI1D/G3vFYDuSUC3VBLsBaNjrvnHzHtI+LkkEoVCFukrSSeBt/hZHGYGDAVZcZ9srR84XmfqR/inlpOsKu5+H9fc9v35gXnMz1wBWiUcz0uf6lO/NSjVti0KYZu6dt3zuETPq4kFWuQkwL8vX4uXLKpNTYyDR8T6FAVYwh5LAF3hWzVR5cbwisg8eP1pl1ZVXPttKW8LDxVmI3TWQXY9lMzhZKc4kJPOh7fH3Oi130ZNAvxLdhaE/yp9GwfiObZkYsl+4F4LGPA9bo/V8rpvT9Qd7cgBmGcVWfz75sB ada at work'
const weak =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCvyPIjdSo6PVKXpuyIQY9O+EgXOMGlD1RrtY8szKhvqzbD9FEhwQTvuES8GVgiaU9dwtm2d08C2alqqsfzV3u6yjhkDR6okqV0xdCm/Fba8wLWpl7BxjXk8z6DA9lw0aYUrAM7cZJs/PzP9VPC/NfgcryzIaSZ0YXyfLLZfxtPTQ== weak'
const p256 =
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGiYcbo8srR1iaCg5A8IFmNs6AJPidg6aqRkfxJKSxmM1XSfTKOu9XU5io+cg0I6nr9D7cMnBkyi+QFeWACVRDE='
const p384 =
  'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBLaDGeWFM5XILvgv01cvGqUyLkeFpsTf1xi3dxLZFw8JIJoryze+OvAy1lfH0pf+YL9DKmnbVRkGQi5XlG1wlbqm///9YYkyahSMvSSFQ5Th5Eapz/hOKTqhOujnbJVU1A=='
const p521 =
  'ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBABdvlwis0VxS8shP4eUtlVj1+jmkFPnjVUi1QIESpWoHVdVUu0lEmqg+kvhvhqHJXihw8WrsrHSlmPoEDySh5uoPgFzkDi26mENmSD6pgycAsiUbwk0Y62QFmZB5PT3L4M1iqA3d3T20nDjJ8TyOkXjikNPqRV/oTZueDPemZzCEFb2bA=='

const add = (publicKey: unknown, token?: string) =>
  api.call('POST', '/account/keys', { body: { public_key: publicKey }, ...(token === undefined ? {} : { token }) })

describe('an SSH key', () => {
  it.each([
    [ed25519, 'ada@laptop', 'SHA256:CobxPdD7GPsPlWwYYOXGaTFEZ3rmztPIHbENaecX394'],
    [rsa, 'ada at work', 'SHA256:H3eS0eivbEedC9XjubB4Yjg+KSjoXjfip5QlE69ad+w'],
    [p256, '', 'SHA256:BL836WlXartUqZGrtvf3jKMitlQwptyOxVqr25vg67A'],
    [p384, '', 'SHA256:TuOg909ABfYiTb+x2yQdJ33P8fZSu8ConCytV5v3WRQ'],
    [p521, '', 'SHA256:6viSCFVU1V/jRG3rpkuXBtKdeS9Y5jNZyFKqOWzviuY'],
  ])('%.30s… is kept with its comment %j and its fingerprint', async (line, comment, fingerprint) => {
    const { status, body } = await add(`${line}\n`)
    expect(status).toBe(201)
    expect(body).toMatchObject({ public_key: line, comment, fingerprint, email: 'admin@example.com' })
  })

  it('is found and removed by its id and by its fingerprint', async () => {
    const { token } = api.stranger('finds@example.com')
    const { body } = await add(ed25519, token)
    expect((await api.call('GET', '/account/keys', { token })).body).toEqual([body])
    const byId = await api.call('GET', `/account/keys/${String(body['id'])}`, { token })
    expect(byId.body).toEqual(body)
    const path = `/account/keys/${encodeURIComponent(String(body['fingerprint']))}`
    expect((await api.call('DELETE', path, { token })).body).toEqual(body)
    expect((await api.call('GET', '/account/keys', { token })).body).toEqual([])
    expect((await api.call('DELETE', path, { token })).status).toBe(404)
  })

  it("of somebody else is neither seen nor removed, and does not keep one from adding one's own", async () => {
    const { token } = api.stranger('other@example.com')
    const [theirs] = api.store.keys.list(api.admin.id)
    expect((await api.call('GET', '/account/keys', { token })).body).toEqual([])
    expect((await api.call('DELETE', `/account/keys/${theirs!.id}`, { token })).status).toBe(404)
    expect((await add(theirs!.publicKey, token)).status).toBe(201)
  })

  it.each([
    ['one the account has', ed25519, /has the key SHA256:\S+ already/],
    ['an RSA key of 1024 bits', weak, /has 1024 bits; RSA needs 2048 or more/],
    [
      'a private key',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----',
      /is a private key/,
    ],
    ['two keys', `${ed25519}\n${p256}`, /more than one line/],
    ['a key that was cut', ed25519.slice(0, 60), /is damaged: it cannot be read as ssh-ed25519/],
    ['a point that is on no curve', p256.replace('BGiY', 'BGiZ'), /is damaged/],
    ['a key under the name of another type', ed25519.replace('ssh-ed25519 ', 'ssh-rsa '), /is damaged/],
    ['DSA', 'ssh-dss AAAAB3NzaC1kc3MAAAAB', /has an unsupported type; supported are ssh-rsa, ssh-ed25519/],
    ['a key with options', `command="sh" ${ed25519}`, /has an unsupported type/],
    ['nothing', '', /has an unsupported type/],
    ['the name of a type', 'ssh-ed25519', /is damaged/],
    ['a property of every object', 'constructor AAAA', /has an unsupported type/],
    ['a number', 7, /public_key must be a string/],
    ['a book', 'x'.repeat(20_000), /must NOT have more than 16384 characters/],
  ])('is not made of %s', async (_, key, message) => {
    const { status, body } = await add(key)
    expect([status, body['message']]).toEqual([422, expect.stringMatching(message)])
    expect(api.store.keys.list(api.admin.id)).toHaveLength(5)
  })
})

it('shows every route of its own', () => expectAllSeen('accounts/keys.test.ts'))
