import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig, type Config } from '../../src/config.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { createAuthority, issueCertificate } from '../../src/router/tls/authority.ts'
import { saveIdentity } from '../../src/router/tls/identity.ts'
import { openOwnIdentity } from '../../src/router/tls/own-identity.ts'

let config: Config

beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'paas-tls-'))
  config = loadConfig({ PAAS_DATA: directory, PAAS_DOMAIN: 'paas.example' })
  openDataDirectory(config)
})

afterEach(() => rm(config.dataDirectory, { recursive: true }))

const modeOf = (path: string) => statSync(path).mode & 0o777
const authority = () => new X509Certificate(readFileSync(config.paths.tlsAuthority))

describe('the server’s own certificate', () => {
  it('is for the domain, the names right below it and this machine, and signed by an authority of its own', async () => {
    const { certificate, key } = await openOwnIdentity(config)
    const own = new X509Certificate(certificate)
    for (const name of ['paas.example', 'app.paas.example', 'localhost']) expect(own.checkHost(name)).toBeDefined()
    for (const name of ['a.b.paas.example', 'other.example']) expect(own.checkHost(name)).toBeUndefined()
    for (const address of ['127.0.0.1', '::1']) expect(own.checkIP(address)).toBeDefined()
    expect(own.verify(authority().publicKey)).toBe(true)
    expect(authority().ca).toBe(true)
    expect(() => createSecureContext({ cert: certificate, key })).not.toThrow()
    const days = (own.validToDate.getTime() - own.validFromDate.getTime()) / 86_400_000
    expect(days).toBeLessThanOrEqual(399)
  })

  it('stays the same from start to start, also when several processes start at once', async () => {
    const all = await Promise.all([openOwnIdentity(config), openOwnIdentity(config), openOwnIdentity(config)])
    for (const identity of all) expect(identity).toEqual(await openOwnIdentity(config))
  })

  it('shows its keys to this user only', async () => {
    await openOwnIdentity(config)
    const { tls, tlsAuthority, tlsAuthorityKey, tlsCertificate } = config.paths
    expect([tls, tlsAuthorityKey, tlsCertificate].map(modeOf)).toEqual([0o700, 0o600, 0o600])
    expect(readFileSync(tlsAuthority, 'utf8')).not.toContain('PRIVATE')
  })

  it('is made anew, by the same authority, when it is about to end, damaged or gone', async () => {
    await openOwnIdentity(config)
    const before = authority().fingerprint256
    const { tlsCertificate, tlsAuthorityKey } = config.paths
    const signer = { certificate: authority().toString(), key: keyIn(tlsAuthorityKey) }
    const names = ['paas.example', '*.paas.example', 'localhost', '127.0.0.1', '::1']
    await saveIdentity(tlsCertificate, await issueCertificate(signer, { names, days: 29 }))
    const ending = readFileSync(tlsCertificate, 'utf8')
    expect((await openOwnIdentity(config)).certificate).not.toBe(ending)
    for (const damaged of ['', 'hello', ending.slice(0, 300)]) {
      writeFileSync(tlsCertificate, damaged)
      const { certificate } = await openOwnIdentity(config)
      expect(new X509Certificate(certificate).verify(authority().publicKey)).toBe(true)
    }
    expect(authority().fingerprint256).toBe(before)
  })

  it('has a new authority when the old one would end before it, or is another domain’s', async () => {
    await openOwnIdentity(config)
    const { tlsAuthorityKey } = config.paths
    const options = { name: 'paas authority of paas.example', names: ['paas.example'], days: 300 }
    await saveIdentity(tlsAuthorityKey, await createAuthority(options))
    await openOwnIdentity(config)
    expect(authority().validToDate.getTime()).toBeGreaterThan(Date.now() + 3_000 * 86_400_000)
    const before = authority().fingerprint256
    const { certificate } = await openOwnIdentity({ ...config, domain: 'paas.test' })
    expect(authority().fingerprint256).not.toBe(before)
    expect(new X509Certificate(certificate).checkHost('paas.test')).toBeDefined()
  })
})

function keyIn(path: string): string {
  return /-----BEGIN PRIVATE KEY[^]*/.exec(readFileSync(path, 'utf8'))![0]
}
