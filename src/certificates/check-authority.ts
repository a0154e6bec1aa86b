import type { CaaRecord } from 'node:dns'
import type { AuthorityFacts } from './acme/order.ts'
import { DnsSilent, type Dns } from './dns.ts'
import { baseOf, isWildcard } from './names.ts'
import { CertificateTrouble } from './trouble.ts'

type About = { authority: string; facts: AuthorityFacts; profile: string | undefined }

/**
 * What the authority would refuse is not ordered.
 * @throws CertificateTrouble
 */
export async function checkAuthority(dns: Pick<Dns, 'caa'>, names: string[], about: About): Promise<void> {
  const { authority, facts, profile } = about
  if (profile !== undefined && facts.profiles !== undefined && !facts.profiles.includes(profile)) {
    const known = facts.profiles.join(', ') || 'none'
    throw new CertificateTrouble('refused', `${authority} has no profile ${profile}; it has: ${known}.`)
  }
  if (facts.caaIdentities.length === 0) return
  for (const name of names) await checkCaa(dns, name, about)
}

async function checkCaa(dns: Pick<Dns, 'caa'>, name: string, { authority, facts }: About): Promise<void> {
  const found = await dns.caa(baseOf(name)).catch((cause: unknown) => {
    // The authority looks for itself, with more patience.
    if (cause instanceof DnsSilent) return undefined
    throw cause
  })
  if (found === undefined || mayIssue(found.records, { wildcard: isWildcard(name), identities: facts.caaIdentities })) {
    return
  }
  const wanted = `${found.of} CAA 0 ${isWildcard(name) ? 'issuewild' : 'issue'} "${facts.caaIdentities[0]}"`
  const message = `The CAA records of ${found.of} do not let ${authority} issue for ${name}. Add: ${wanted}.`
  throw new CertificateTrouble('dns', message)
}

/** RFC 8659, section 4. */
function mayIssue(
  records: CaaRecord[],
  { wildcard, identities }: { wildcard: boolean; identities: string[] },
): boolean {
  const issue = records.flatMap((one) => (one.issue === undefined ? [] : [one.issue]))
  const wild = records.flatMap((one) => (one.issuewild === undefined ? [] : [one.issuewild]))
  const relevant = wildcard && wild.length > 0 ? wild : issue
  if (relevant.length === 0) return true
  return relevant.some((value) => identities.includes(value.split(';')[0]!.trim().toLowerCase()))
}
