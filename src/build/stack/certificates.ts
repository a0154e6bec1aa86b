import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Where Debian keeps the authorities that the machine's administrator added, and the bundle made of
 * all.
 */
const addedAuthorities = '/usr/local/share/ca-certificates'
const systemBundle = '/etc/ssl/certs/ca-certificates.crt'

/** Files of authorities named by the environment, as Node and OpenSSL read them. */
export type CertificateFiles = { added?: string; bundle?: string; named: string[] }

/**
 * The authorities this machine trusts beyond Debian's own, such as a company's proxy: those its
 * administrator added, and those of the named files that the system's bundle does not have. PEM,
 * sorted, each once.
 */
export function machineCertificates({
  added = addedAuthorities,
  bundle = systemBundle,
  named,
}: CertificateFiles): string[] {
  const known = new Set(certificatesIn(bundle))
  const extra = named.flatMap(certificatesIn).filter((certificate) => !known.has(certificate))
  return [...new Set([...certificatesUnder(added), ...extra])].toSorted()
}

function certificatesUnder(directory: string): string[] {
  if (!existsSync(directory)) return []
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.crt'))
  return files.flatMap((name) => certificatesIn(join(directory, name)))
}

/**
 * The certificates in one canonical form, so that duplicates are found. A missing file has no
 * certificates.
 */
function certificatesIn(path: string): string[] {
  if (!existsSync(path)) return []
  const blocks = readFileSync(path, 'latin1').matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g)
  return [...blocks].map(([, body = '']) => pem(body.replaceAll(/\s/g, '')))
}

function pem(base64: string): string {
  const lines = base64.match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
