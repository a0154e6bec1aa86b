/** What the process that speaks with an authority is told, and what it tells. */

/** An authority, and our account there. */
export type Authority = {
  directory: string
  /** Authorities (PEM) that its own certificate may be of, beside the usual ones. */
  trust: string[]
  /** Milliseconds for one whole answer; undefined: the usual 30 s. */
  answerWithin?: number
}

type AccountAtAuthority = {
  /** PEM. */
  key: string
  /** undefined: it is made with the first order. */
  url: string | undefined
  email: string | undefined
  binding: { id: string; key: string } | undefined
}

export type ChallengeType = 'http-01' | 'tls-alpn-01' | 'dns-01'

export type CertificateOrder = Authority & {
  account: AccountAtAuthority
  /** Host names, wildcards and addresses that one certificate is to be for. */
  names: string[]
  challenge: ChallengeType
  profile: string | undefined
  /** The certificate that this one takes over from, by `RenewalName` (RFC 9773, section 5). */
  replaces: string | undefined
}

/** What proves that a name is ours, once somebody who asks for it gets it. */
export type Challenge = {
  type: ChallengeType
  /** The host name, without `*.`, or address. */
  name: string
  token: string
  /** What is answered under the token, or the text of the DNS record. */
  value: string
  /** Shown at the handshake, for `tls-alpn-01`. */
  identity: { certificate: string; key: string } | undefined
}

export type Issued = {
  accountUrl: string
  /** PEM. */
  certificate: string
  key: string
}

/** What an authority says is the matter (RFC 8555, section 6.7), or why it said nothing. */
export type AuthorityProblem = {
  /** `rateLimited`, `caa`, `dns`, …; `unreachable`, `slow` and `wrong` are ours. */
  type: string
  detail: string
  /** Seconds in which the same may succeed, where it said so. */
  retryAfter: number | undefined
}

/** What an authority says of itself (RFC 8555, section 7.1.1). */
export type AuthorityFacts = {
  /** By which CAA records name it, lower-case. */
  caaIdentities: string[]
  /** undefined: it knows none. */
  profiles: string[] | undefined
}

/** When an authority wants a certificate to be renewed (RFC 9773). */
export type RenewalWindow = { start: number; end: number; askAgainAfter: number }

export type RenewalQuestion = Authority & { certificate: string }

export class AuthorityError extends Error {
  readonly problem: AuthorityProblem

  constructor(problem: AuthorityProblem) {
    super(problem.detail)
    this.problem = problem
  }
}
