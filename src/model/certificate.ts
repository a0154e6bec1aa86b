import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'

/** Characters of PEM: more than any chain and key that are meant for a server. */
const longest = { chain: 65_536, key: 16_384 }
const mostCertificates = 10

/**
 * PEM that belongs together: a certificate, those between it and an authority in their order, and
 * its key.
 */
export type Certificate = { certificate: string; key: string }

/**
 * Reads what a user gives as a certificate and its key, and brings it into one form.
 * @param mayLackHosts it may be for addresses alone
 * @returns or why it cannot be used, as a sentence
 */
export function parseCertificate(
  chainText: string,
  keyText: string,
  { mayLackHosts = false } = {},
): Certificate | { problem: string } {
  const chain = readChain(chainText)
  if ('problem' in chain) return chain
  const key = readKey(keyText)
  if ('problem' in key) return key
  const problem = matchProblem(chain.certificates[0]!, key.key) ?? chainProblem(chain.certificates, mayLackHosts)
  if (problem !== undefined) return { problem }
  return {
    certificate: chain.certificates.join(''),
    key: key.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const [begin, end] = ['-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----']

/** The certificates of a text in PEM (RFC 7468), whatever else is in it. */
export function certificatesIn(text: string): string[] {
  return text
    .split(end)
    .slice(0, -1)
    .flatMap((part) => {
      const start = part.lastIndexOf(begin)
      return start < 0 ? [] : [part.slice(start) + end]
    })
}

/**
 * The host names that a certificate is for; its common name counts only where there are no others
 * (RFC 9525).
 */
export function namesOf(certificate: X509Certificate): string[] {
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,"]+)/g)].map(([, name]) => name!)
  const common = /^CN=(\S+)$/m.exec(certificate.subject)?.[1]
  return names.length > 0 || common === undefined ? names : [common]
}

/** Whether visitors of `hostname`, which may be a wildcard, can be shown this certificate. */
export function isForHost(certificate: X509Certificate, hostname: string): boolean {
  if (!hostname.startsWith('*.')) return certificate.checkHost(hostname) !== undefined
  return namesOf(certificate).some((name) => name.toLowerCase() === hostname)
}

function readChain(text: string): { certificates: X509Certificate[] } | { problem: string } {
  if (text.length > longest.chain) return { problem: `The certificate chain is longer than ${longest.chain} bytes.` }
  const blocks = certificatesIn(text)
  if (blocks.length === 0) return { problem: 'The certificate chain is not PEM: it has no BEGIN CERTIFICATE.' }
  if (blocks.length > mostCertificates) {
    return { problem: `The certificate chain has ${blocks.length} certificates; ${mostCertificates} is the limit.` }
  }
  const certificates: X509Certificate[] = []
  for (const pem of blocks) {
    try {
      certificates.push(new X509Certificate(pem))
    } catch {
      return { problem: `Certificate ${certificates.length + 1} of the chain cannot be read.` }
    }
  }
  return { certificates }
}

/** Larger keys would have every visitor's handshake hold the router up. */
function readKey(text: string): { key: KeyObject } | { problem: string } {
  if (text.length > longest.key) return { problem: `The private key is longer than ${longest.key} bytes.` }
  if (/ENCRYPTED/.test(text)) return { problem: 'The private key is protected by a passphrase; remove the passphrase.' }
  let key: KeyObject
  try {
    key = createPrivateKey(text)
  } catch {
    return { problem: 'The private key is not readable PEM.' }
  }
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  const isRsa = key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 && modulusLength <= 4096
  if (isRsa || ['prime256v1', 'secp384r1'].includes(namedCurve)) return { key }
  return { problem: 'The private key must be RSA with 2048 to 4096 bits, or ECDSA on P-256 or P-384.' }
}

function chainProblem(certificates: X509Certificate[], mayLackHosts: boolean): string | undefined {
  const [own] = certificates
  if (own === undefined || (namesOf(own).length === 0 && !mayLackHosts)) return 'The certificate names no host.'
  for (const [i, { validFromDate, validToDate }] of certificates.entries()) {
    const which = i === 0 ? 'The certificate' : `Certificate ${i + 1} of the chain`
    if (validToDate.getTime() <= Date.now()) return `${which} expired on ${validToDate.toISOString()}.`
    if (validFromDate.getTime() > Date.now()) return `${which} is not valid before ${validFromDate.toISOString()}.`
  }
  const stray = certificates.findIndex((one, i) => i > 0 && !isIssuer(one, certificates[i - 1]!))
  if (stray === -1) return undefined
  return `Certificate ${stray + 1} of the chain did not issue the one before it; put the host's certificate first, then each issuer.`
}

function isIssuer(issuer: X509Certificate, of: X509Certificate): boolean {
  return of.checkIssued(issuer) && of.verify(issuer.publicKey)
}

function matchProblem(own: X509Certificate, key: KeyObject): string | undefined {
  return own.checkPrivateKey(key) ? undefined : 'The private key does not belong to the (first) certificate.'
}
