import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { networkInterfaces } from 'node:os'
import type { AcmeSettings } from '../acme-settings.ts'
import type { AddressPolicy } from '../outbound/addresses.ts'
import type { ChallengeType } from './acme/order.ts'
import { DnsSilent, type Dns } from './dns.ts'
import { handshakeName, urlHost } from './names.ts'
import type { ShownProofs } from './shown-proofs.ts'
import { CertificateTrouble } from './trouble.ts'

/** Milliseconds until an answer, and how many addresses of a name are asked. */
const patience = 5_000
const mostAddresses = 8

export type LeadsHereDeps = {
  dns: Dns
  proofs: Pick<ShownProofs, 'show'>
  policy: Pick<AddressPolicy, 'permits'>
  settings: Pick<AcmeSettings, 'ports'>
  /** The server's own domain. */
  domain: string
}

/**
 * Whether visitors of a name, and so the authority, come to this server: it is looked up, and asked
 * for something that only this server knows, at each of its addresses.
 * @param target the name that its DNS is to name
 * @returns how the authority can be shown that it is ours
 * @throws CertificateTrouble, which says what the DNS says and what it should
 */
export async function leadsHere(deps: LeadsHereDeps, name: string, target: string): Promise<ChallengeType> {
  const addresses = await lookUp(deps, name, target)
  const [token, answer] = [randomBytes(16).toString('base64url'), randomBytes(16).toString('base64url')]
  using _shown = await deps.proofs.show({ http: [{ host: urlHost(name), token, answer }], tls: [] })
  const asked = addresses.slice(0, mostAddresses)
  const knows = (secure: boolean) =>
    Promise.all(asked.map(async (address) => (await ask(deps, { name, address, token, secure })) === answer))
  const plain = await knows(false)
  if (plain.every(Boolean)) return 'http-01'
  const secure = await knows(true)
  if (secure.every(Boolean)) return 'tls-alpn-01'
  const stray = asked.filter((_, index) => !plain[index] && !secure[index])
  throw await elsewhere(deps, { name, target, addresses, stray: stray.length > 0 ? stray : asked })
}

async function lookUp({ dns, domain }: LeadsHereDeps, name: string, target: string): Promise<string[]> {
  try {
    const addresses = await dns.addresses(name)
    if (addresses.length > 0) return addresses
  } catch (cause) {
    if (!(cause instanceof DnsSilent)) throw cause
    throw new CertificateTrouble('dns', `The DNS does not say where ${name} leads: no name server answers.`)
  }
  throw new CertificateTrouble(
    'dns',
    `The DNS has no address for ${name}. ${wanted({ name, target, domain, own: [] })}`,
  )
}

type Stray = { name: string; target: string; addresses: string[]; stray: string[] }

async function elsewhere({ dns, domain, settings }: LeadsHereDeps, found: Stray): Promise<CertificateTrouble> {
  const { name, target, addresses, stray } = found
  const own = name === domain ? [] : await dns.addresses(domain).catch(() => [])
  const ports = `ports ${settings.ports.http} and ${settings.ports.tls}`
  const some = stray.length < addresses.length ? `, of which ${stray.join(', ')}` : ', which'
  const doNot = stray.length > 1 || some === ', which' ? 'does not answer' : 'does not answer'
  const said = `The DNS says that ${name} is at ${addresses.join(', ')}${some} ${doNot} as this server on ${ports}.`
  return new CertificateTrouble('dns', `${said} ${wanted({ name, target, domain, own })}`)
}

function wanted(it: { name: string; target: string; domain: string; own: string[] }): string {
  if (it.name === it.domain) return `It should have the address of this server, with both ports open.`
  if (it.name.endsWith(`.${it.domain}`))
    return `*.${it.domain} should have the address of this server, with both ports open.`
  const address = it.own.length > 0 ? `, or ${it.own.join(' and ')}` : ''
  return `It should say: ${it.name} CNAME ${it.target}${address}.`
}

type Question = { name: string; address: string; token: string; secure: boolean }

/** @returns undefined when nothing of use came back */
async function ask(deps: LeadsHereDeps, { name, address, token, secure }: Question): Promise<string | undefined> {
  const port = secure ? deps.settings.ports.tls : deps.settings.ports.http
  if (!isOwn(address) && !deps.policy.permits(address, port)) return undefined
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const options = {
    host: address,
    port,
    path: `/.well-known/acme-challenge/${token}`,
    headers: { host: urlHost(name), 'user-agent': 'paas' },
    agent: false,
    signal: AbortSignal.timeout(patience),
  }
  // Whose certificate is shown does not matter yet: what is answered proves who answers.
  const tls = { servername: handshakeName(name), rejectUnauthorized: false }
  const asked = secure ? httpsRequest({ ...options, ...tls }) : httpRequest(options)
  asked.on('error', () => resolve(undefined))
  asked.on('response', (response) => {
    let text = ''
    response.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (text.length > 1_000) response.destroy()
    })
    response.on('close', () => resolve(text.trim()))
  })
  asked.end()
  return promise
}

function isOwn(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return own.some((one) => one.address === address)
}
