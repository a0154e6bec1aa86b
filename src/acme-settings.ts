import { Resolver } from 'node:dns'
import { isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import type { SettingsReader } from './settings-reader.ts'

/** How certificates are requested from an authority by ACME (RFC 8555). */
export type AcmeSettings = {
  /** The URL of its directory. */
  directory: string
  /** Where the authority writes to when something is the matter. */
  email: string | undefined
  /** An account of the operator's at the authority that ours is bound to (RFC 8555, 7.3.4). */
  binding: { id: string; key: string } | undefined
  /** A file with authorities (PEM) that its own certificate may be of, beside the usual ones. */
  trustFile: string | undefined
  /** Of certificate; undefined: the authority's usual one. */
  profile: string | undefined
  /** Of the server itself, that certificates are requested for. */
  addresses: string[]
  /** Under which the authority reaches the HTTP port and the TLS port. */
  ports: { http: number; tls: number }
  /** Each name is looked up, and asked for, before it costs an order. */
  check: boolean
  /** That are asked for names and records; none: the machine's own. */
  nameServers: string[]
  /** Who sets records for names that only DNS can prove; undefined: nobody. */
  dns: DnsSetter | undefined
}

export type DnsSetter =
  | { kind: 'exec'; program: string }
  | { kind: 'rfc2136'; host: string; port: number; zone: string | undefined; key: TsigKey | undefined }

/** `secret`: base64. */
export type TsigKey = { name: string; algorithm: 'hmac-sha256' | 'hmac-sha512'; secret: string }

const known: Record<string, string> = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  'letsencrypt-staging': 'https://acme-staging-v02.api.letsencrypt.org/directory',
}

/** undefined: no certificates are requested. */
export function readAcme(read: SettingsReader): AcmeSettings | undefined {
  const email = emailIn(read, 'PAAS_ACME_EMAIL')
  const directory = directoryIn(read, 'PAAS_ACME_DIRECTORY', email === undefined ? 'off' : 'letsencrypt')
  const settings = {
    email,
    binding: bindingIn(read, 'PAAS_ACME_EAB_ID', 'PAAS_ACME_EAB_KEY'),
    trustFile: fileIn(read, 'PAAS_ACME_CA_FILE'),
    profile: read.text('PAAS_ACME_PROFILE', '') || undefined,
    addresses: addressesIn(read, 'PAAS_ACME_ADDRESSES'),
    ports: {
      http: read.integer('PAAS_ACME_HTTP_PORT', 80, 1, 65_535),
      tls: read.integer('PAAS_ACME_TLS_PORT', 443, 1, 65_535),
    },
    check: read.choice('PAAS_ACME_CHECK', 'on', ['on', 'off']) === 'on',
    nameServers: nameServersIn(read, 'PAAS_DNS_SERVERS'),
    dns: dnsIn(read),
  }
  return directory === undefined ? undefined : { directory, ...settings }
}

function directoryIn(read: SettingsReader, name: string, fallback: string): string | undefined {
  const value = read.text(name, fallback)
  if (value === 'off') return undefined
  const url = known[value] ?? value
  if (url.startsWith('https://') && URL.canParse(url)) return url
  const wanted = 'an https URL, letsencrypt, letsencrypt-staging or off'
  read.problem(`${name} is "${value}"; it must be ${wanted}`)
  return undefined
}

function emailIn(read: SettingsReader, name: string): string | undefined {
  const value = read.text(name, '')
  if (value === '' || (/^[^\s@,]+@[^\s@,]+$/.test(value) && value.length <= 254)) return value || undefined
  read.problem(`${name} is "${value}"; it must be an e-mail address`)
  return undefined
}

/** The key is a secret: no message has it. */
function bindingIn(read: SettingsReader, idName: string, keyName: string): AcmeSettings['binding'] {
  const [id, key] = [read.text(idName, ''), read.text(keyName, '')]
  if (id === '' && key === '') return undefined
  if (id !== '' && /^[\w+/-]+=*$/.test(key)) return { id, key }
  read.problem(`${idName} and ${keyName} go together: the id, and the key in base64url, that the authority gave you`)
  return undefined
}

function fileIn(read: SettingsReader, name: string): string | undefined {
  const path = read.text(name, '')
  if (path !== '' && !isAbsolute(path)) read.problem(`${name} is "${path}"; it must be an absolute path`)
  return path || undefined
}

function addressesIn(read: SettingsReader, name: string): string[] {
  const all = listIn(read, name)
  const wrong = all.filter((address) => isIP(address) === 0)
  if (wrong.length > 0 || all.length > 10) {
    read.problem(`${name} is "${all.join(',')}"; it must be a list of at most 10 addresses such as 203.0.113.7`)
  }
  return all
}

function nameServersIn(read: SettingsReader, name: string): string[] {
  const servers = listIn(read, name)
  try {
    if (servers.length > 0) new Resolver().setServers(servers)
    return servers
  } catch {
    return [] // who reads the same setting for proofs of domains says so
  }
}

const dnsSettings = ['EXEC', 'SERVER', 'ZONE', 'KEY'].map((name) => `PAAS_ACME_DNS_${name}`)

function dnsIn(read: SettingsReader): DnsSetter | undefined {
  const kind = read.choice('PAAS_ACME_DNS', 'off', ['off', 'exec', 'rfc2136'])
  // They are settings also where they are of no use.
  for (const name of dnsSettings) read.text(name, '')
  if (kind === 'off') return undefined
  return kind === 'exec' ? execIn(read, 'PAAS_ACME_DNS_EXEC') : updatesIn(read)
}

function execIn(read: SettingsReader, name: string): DnsSetter {
  const program = read.text(name, '')
  if (!isAbsolute(program)) read.problem(`${name} is "${program}"; it must be the absolute path of a program`)
  return { kind: 'exec', program }
}

function updatesIn(read: SettingsReader): DnsSetter {
  const server = read.text('PAAS_ACME_DNS_SERVER', '')
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:\s]+))(?::(\d{1,5}))?$/.exec(server) ?? []
  const [host, port] = [bracketed ?? plain ?? '', Number(digits ?? 53)]
  if (host === '' || port < 1 || port > 65_535) {
    read.problem(
      `PAAS_ACME_DNS_SERVER is "${server}"; it must be a name server such as 192.0.2.53 or ns.example.com:53`,
    )
  }
  const zone = read.text('PAAS_ACME_DNS_ZONE', '').toLowerCase().replace(/\.$/, '') || undefined
  return { kind: 'rfc2136', host, port, zone, key: keyIn(read, 'PAAS_ACME_DNS_KEY') }
}

/** As `nsupdate -y` takes them. The secret is in no message. */
function keyIn(read: SettingsReader, name: string): TsigKey | undefined {
  const value = read.text(name, '')
  if (value === '') return undefined
  const [, algorithm = 'hmac-sha256', key, secret] =
    /^(?:(hmac-sha256|hmac-sha512):)?([\w.-]+):([\w+/]+=*)$/.exec(value) ?? []
  if (key !== undefined && secret !== undefined) {
    return { name: key.toLowerCase().replace(/\.$/, ''), algorithm: algorithm as TsigKey['algorithm'], secret }
  }
  read.problem(`${name} must be a key such as hmac-sha256:NAME:SECRET, the secret in base64`)
  return undefined
}

function listIn(read: SettingsReader, name: string): string[] {
  const parts = read.text(name, '').split(',')
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}
