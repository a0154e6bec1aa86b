import { table } from './output.ts'
import type { ManagedCertificateJson } from './resources/edge.ts'
import { formatEnd } from './time.ts'

/** For each its names and what is, then, whole, what is the matter and what to do. */
export function formatManaged(all: ManagedCertificateJson[]): string[] {
  const rows = table(all.map((managed) => [managed.hostnames.join(', '), stateOf(managed)]))
  return all.flatMap(({ reason }, index) => [rows[index]!, ...(reason === null ? [] : [`    ${reason}`])])
}

function stateOf({ status, issued_at: issued, expires_at: ends, renews_at: renews, ...rest }: ManagedCertificateJson) {
  const next =
    rest.next_attempt_at === null ? '' : `, tried ${rest.reason === null ? '' : 'again '}at ${rest.next_attempt_at}`
  if (issued === null || ends === null || status !== 'cert issued') return `${status}${next}`
  const renewal = rest.reason === null ? `renewed ${renews?.slice(0, 10)}` : `not renewed yet${next}`
  return `issued ${issued.slice(0, 10)}, until ${formatEnd(ends)}, ${renewal}`
}
