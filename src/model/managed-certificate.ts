import type { AppId, ManagedCertificateId } from './ids.ts'

/** A name, or several, that the server gets a certificate for by itself. */
export type ManagedCertificate = {
  id: ManagedCertificateId
  /** Unique: the first of `names`, or what stands for all of them. */
  name: string
  /** Host names, wildcards and addresses. */
  names: string[]
  /** Whose visitors are shown it; null: the server's own. */
  appId: AppId | null
  /** What is shown now, and stays so until there is another; null: none was issued yet. */
  issued: IssuedCertificate | null
  state: ManagedState
  /** Attempts that failed since the last certificate. */
  failures: number
  /** When it is tried, or its renewal looked at, next. */
  nextAt: Date
  createdAt: Date
  updatedAt: Date
}

export type IssuedCertificate = {
  /** PEM: the certificate, then those between it and an authority. */
  certificate: string
  issuedAt: Date
  endsAt: Date
  /** When it is replaced. */
  renewAt: Date
}

/**
 * - waiting: nothing was tried yet.
 * - ordering: an order is under way.
 * - issued: there is one, and nothing is the matter.
 * - resting: nobody wants it now, and nobody is shown it; who wants it again has it until it ends,
 *   so that turning it off and on costs no order.
 * - failing: the last attempt failed; `problem` says why, as sentences for users.
 */
export type ManagedState =
  | { kind: 'waiting' }
  | { kind: 'ordering' }
  | { kind: 'issued' }
  | { kind: 'resting' }
  | { kind: 'failing'; problem: string; fault: 'dns' | 'refused' | 'limit' | 'authority' }

/** `accounts`: the directories of the authorities where this server has one. */
export type CertificatesOnRecord = { managed: ManagedCertificate[]; accounts: string[] }

/** Failures after which users are told that it will not come by itself. */
export const mostFailures = 5

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]

/**
 * Milliseconds until the next attempt. A name that does not lead here costs no order: who just
 * changed its DNS waits for it. An authority counts what it refuses (Let's Encrypt: five an hour
 * and name).
 */
export function pauseAfter(fault: 'dns' | 'refused' | 'limit' | 'authority', failures: number): number {
  const first = { dns: minute / 2, refused: 15 * minute, limit: hour, authority: minute }[fault]
  const most = { dns: hour, refused: day, limit: day, authority: hour }[fault]
  return Math.min(first * 2 ** Math.min(Math.max(failures - 1, 0), 20), most)
}

/**
 * When a certificate is replaced where its authority has no wishes: with a third of its time left,
 * and half of it where that is short.
 */
export function usualRenewal({ from, to }: { from: Date; to: Date }): Date {
  const life = to.getTime() - from.getTime()
  return new Date(to.getTime() - life / (life <= 10 * day ? 2 : 3))
}
