import { AuthorityError } from './acme/order.ts'
import { CertificateTrouble } from './trouble.ts'

/** What an order failed of, in words for users, whoever is to blame. */
export function explainOrderFailure(
  cause: unknown,
  { name, authority }: { name: string; authority: string },
): CertificateTrouble {
  if (cause instanceof CertificateTrouble) return cause
  if (!(cause instanceof AuthorityError)) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return new CertificateTrouble('authority', `The order was broken off: ${why}.`)
  }
  const { type, detail, retryAfter } = cause.problem
  const said = `${authority} says: ${detail.replace(/\.$/, '')}.`
  switch (type) {
    case 'rateLimited':
      return new CertificateTrouble(
        'limit',
        `${authority} issues no more for now: ${detail.replace(/\.$/, '')}.`,
        retryAfter,
      )
    case 'caa':
      return new CertificateTrouble(
        'refused',
        `The CAA records of ${name} do not let ${authority} issue. ${said}`,
        retryAfter,
      )
    case 'externalAccountRequired':
      return new CertificateTrouble(
        'refused',
        `${authority} wants an account of the operator's: set PAAS_ACME_EAB_ID and PAAS_ACME_EAB_KEY.`,
        retryAfter,
      )
    case 'unreachable':
      return new CertificateTrouble('authority', `${authority} cannot be reached: ${detail}.`, retryAfter)
    case 'slow':
      return new CertificateTrouble('authority', `${authority} is slow: ${detail}.`, retryAfter)
    case 'serverInternal':
    case 'wrong':
      return new CertificateTrouble('authority', `${authority} is out of order. ${said}`, retryAfter)
    default:
      if (type.startsWith('status 5'))
        return new CertificateTrouble('authority', `${authority} is out of order. ${said}`, retryAfter)
      return new CertificateTrouble('refused', said, retryAfter)
  }
}
