import type { ManagedState } from '../model/managed-certificate.ts'

export type Fault = Extract<ManagedState, { kind: 'failing' }>['fault']

/** Why a name gets no certificate now, in sentences for its user. */
export class CertificateTrouble extends Error {
  readonly fault: Fault
  /** Seconds in which the same may succeed, where somebody said so. */
  readonly retryAfter: number | undefined

  constructor(fault: Fault, message: string, retryAfter?: number) {
    super(message)
    this.fault = fault
    this.retryAfter = retryAfter
  }
}
