import 'reflect-metadata' // what @peculiar/x509 registers its algorithms with
import { createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import { AsnConvert } from '@peculiar/asn1-schema'
import { GeneralName, GeneralSubtree, GeneralSubtrees, NameConstraints } from '@peculiar/asn1-x509'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { TlsIdentity } from './identity.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const day = 86_400_000
/** Clocks of the machines that meet the certificate may be behind by this, milliseconds. */
const backdated = 2 * day

cryptoProvider.set(webcrypto)

/**
 * A new authority. Its certificates are valid only for `names` and names below them: trusting it
 * affects no other names (RFC 5280 section 4.2.1.10).
 * @param name for people
 * @param names host names and IP addresses
 */
export async function createAuthority(options: { name: string; names: string[]; days: number }): Promise<TlsIdentity> {
  const keys = await generateKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // Clients tell authorities apart by name, and one domain may have had several.
    name: `CN=${options.name}, OU=${randomBytes(8).toString('hex')}, O=paas`,
    keys,
    signingAlgorithm: algorithm,
    ...validFor(options.days),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      constrainedTo(options.names),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key: exportKey(keys.privateKey) }
}

/** A new certificate, with a key of its own, for servers at `names`. */
export async function issueCertificate(
  authority: TlsIdentity,
  { names, days }: { names: string[]; days: number },
): Promise<TlsIdentity> {
  const keys = await generateKeys()
  const issuer = new X509Certificate(authority.certificate)
  const certificate = await X509CertificateGenerator.create({
    subject: 'O=paas',
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: importKey(authority.key),
    signingAlgorithm: algorithm,
    ...validFor(days),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key: exportKey(keys.privateKey) }
}

/** One for each list of names. */
export function issueCertificates(
  authority: TlsIdentity,
  { names, days }: { names: string[][]; days: number },
): Promise<TlsIdentity[]> {
  return Promise.all(names.map((each) => issueCertificate(authority, { names: each, days })))
}

function validFor(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now()
  return { notBefore: new Date(now - backdated), notAfter: new Date(now + days * day) }
}

function constrainedTo(names: string[]): Extension {
  const subtrees = names.map((name) => {
    const bits = isIP(name) === 4 ? 32 : 128
    return new GeneralSubtree({
      base: new GeneralName(isIP(name) ? { iPAddress: `${name}/${bits}` } : { dNSName: name }),
    })
  })
  const constraints = new NameConstraints({ permittedSubtrees: new GeneralSubtrees(subtrees) })
  return new Extension('2.5.29.30', true, AsnConvert.serialize(constraints))
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

function exportKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString()
}

function importKey(pem: string): webcrypto.CryptoKey {
  return createPrivateKey(pem).toCryptoKey(algorithm, false, ['sign'])
}
