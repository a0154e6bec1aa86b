import { createAuthority, issueCertificate } from '../../src/router/tls/authority.ts'
import type { TlsIdentity } from '../../src/router/tls/identity.ts'

/** An authority that tests trust, for names below `example`, `test` and this machine. */
export async function testAuthority(): Promise<TestAuthority> {
  const names = ['example', 'test', 'localhost', '127.0.0.1']
  const authority = await createAuthority({ name: 'paas test', names, days: 30 })
  return { ...authority, issue: (hosts, days = 10) => issueCertificate(authority, { names: hosts, days }) }
}

/** `issue` makes a certificate for hosts, which ended in the past when `days` are negative. */
export type TestAuthority = TlsIdentity & { issue: (hosts: string[], days?: number) => Promise<TlsIdentity> }
