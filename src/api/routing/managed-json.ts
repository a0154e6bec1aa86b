import { X509Certificate } from 'node:crypto'
import type { Config } from '../../config.ts'
import type { App } from '../../model/app.ts'
import { certificatesIn } from '../../model/certificate.ts'
import type { Domain } from '../../model/domain.ts'
import { mostFailures, type ManagedCertificate } from '../../model/managed-certificate.ts'
import { time } from '../http/shapes.ts'

export type AcmStatus = 'pending' | 'in-progress' | 'cert issued' | 'failing' | 'failed'

/** Whether the domains of an app get certificates by themselves. */
export function isManaged({ acme }: Pick<Config, 'acme'>, app: App): boolean {
  return acme !== undefined && app.acm
}

/** In Heroku's words. Those of domains with a certificate of their user's own are null. */
export function acmStatus(
  managed: ManagedCertificate | undefined,
  { domain, isOn }: { domain: Domain; isOn: boolean },
): { acm_status: AcmStatus | null; acm_status_reason: string | null } {
  if (!isOn || domain.sniEndpointId !== null) return { acm_status: null, acm_status_reason: null }
  if (managed === undefined) return { acm_status: 'pending', acm_status_reason: null }
  return { acm_status: statusOf(managed), acm_status_reason: reasonOf(managed) }
}

/** Ours: what Heroku does not say of a certificate that comes by itself. */
export function managedJson(managed: ManagedCertificate) {
  const { issued, state, nextAt } = managed
  return {
    failures: managed.failures,
    hostnames: managed.names,
    id: managed.id,
    issued_at: issued && time(issued.issuedAt),
    issuer: issued && issuerOf(issued.certificate),
    expires_at: issued && time(issued.endsAt),
    name: endpointNameOf(managed),
    next_attempt_at: state.kind === 'issued' || state.kind === 'ordering' ? null : time(nextAt),
    reason: state.kind === 'failing' ? state.problem : null,
    renews_at: issued && time(issued.renewAt),
    status: statusOf(managed),
  }
}

/** What it is called among the certificates of an app. */
export function endpointNameOf({ id }: ManagedCertificate): string {
  return `acm-${id.slice(0, 8)}`
}

function statusOf({ issued, state, failures }: ManagedCertificate): AcmStatus {
  if (issued !== null && issued.endsAt.getTime() > Date.now()) return 'cert issued'
  if (failures >= mostFailures) return 'failed'
  if (failures > 0) return 'failing'
  return state.kind === 'ordering' ? 'in-progress' : 'pending'
}

function reasonOf({ state, nextAt }: ManagedCertificate): string | null {
  return state.kind === 'failing' ? `${state.problem} Tried again at ${time(nextAt)}.` : null
}

function issuerOf(chain: string): string {
  const [own = ''] = certificatesIn(chain)
  return new X509Certificate(own).issuer.split('\n').join(', ')
}
