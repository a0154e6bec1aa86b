import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { isCode, PaasError } from '../../errors.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { confirm } from '../confirm.ts'
import { heading, list as pairs, note, print, progress, table } from '../output.ts'
import type { DomainJson, ManagedCertificatesJson, SniEndpointJson } from '../resources/edge.ts'
import { formatManaged } from '../managed-certificates.ts'
import { connectToApp } from '../session.ts'
import { formatEnd, formatTimeAndAge } from '../time.ts'

type NameOptions = AppOptions & { name?: string }
type ConfirmOptions = NameOptions & { confirm?: string }
type Site = Awaited<ReturnType<typeof connectToApp>>

const files =
  'CERTIFICATE has the certificate and its chain, KEY its private key without a passphrase; both are PEM files.'

export function defineCerts(program: Command): void {
  defineForApp(program, {
    name: 'certs',
    summary: "list the certificates of the app's domains",
    examples: ['paas certs -a acme'],
  }).action(list)

  defineForApp(program, {
    name: 'certs:add',
    arguments: '<certificate> <key>',
    summary: 'add a TLS certificate for custom domains',
    details: `${files} It is used at once for every matching domain of the app without a certificate.`,
    examples: ['paas certs:add fullchain.pem privkey.pem -a acme'],
  }).action(add)

  named(program, {
    name: 'certs:info',
    summary: 'show the domains, dates and issuer of a certificate',
    examples: ['paas certs:info --name quiet-harbor-4821'],
  }).action(info)

  named(program, {
    name: 'certs:update',
    arguments: '<certificate> <key>',
    summary: 'replace a certificate on its domains',
    details: files,
    examples: ['paas certs:update fullchain.pem privkey.pem --confirm acme'],
  })
    .option('--confirm <app>', 'the name of the app, to confirm without a prompt')
    .action(update)

  named(program, {
    name: 'certs:remove',
    summary: 'remove a certificate',
    details: 'Its domains then use a certificate of the server.',
    examples: ['paas certs:remove --name quiet-harbor-4821 --confirm acme'],
  })
    .option('--confirm <app>', 'the name of the app, to confirm without a prompt')
    .action(remove)
}

function named(program: Command, definition: Parameters<typeof defineForApp>[1]): Command {
  return defineForApp(program, definition).option('--name <name>', 'the certificate (default: the only one)')
}

async function list(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const all = await api.get<SniEndpointJson[]>(`${path}/sni-endpoints`)
  const { certificates } = await api.get<ManagedCertificatesJson>(`${path}/acm`)
  const own = all.filter(({ ssl_cert: cert }) => !cert.acm)
  print(options, all, () => [
    ...(own.length + certificates.length === 0 ? [`${app} has no certificates.`] : []),
    ...(own.length === 0 ? [] : [heading(`${app} Certificates`), ...table(own.map(row))]),
    ...(certificates.length === 0 ? [] : [heading(`${app} Automatic Certificates`)]),
    ...formatManaged(certificates),
  ])
}

function row({ name, ssl_cert: cert }: SniEndpointJson): string[] {
  return [name, cert.cert_domains.join(', '), formatEnd(cert.expires_at)]
}

async function add(certificate: string, key: string, options: AppOptions): Promise<void> {
  const site = await connectToApp(options)
  const body = await readPair(certificate, key)
  const made = await progress(
    `Adding a certificate to ${site.app}`,
    site.api.post<SniEndpointJson>(`${site.path}/sni-endpoints`, body),
  )
  note(await shownFor(site, made))
  note(`Undo with: paas certs:remove --name ${made.name} -a ${site.app}`)
  print(options, made, describe)
}

async function info(options: NameOptions): Promise<void> {
  const site = await connectToApp(options)
  print(options, await chosen(site, options), describe)
}

async function update(certificate: string, key: string, options: ConfirmOptions): Promise<void> {
  const site = await connectToApp(options)
  const { name } = await chosen(site, options)
  const body = await readPair(certificate, key)
  await confirm(`This replaces the certificate ${name} of ${site.app}.`, confirmation(site, 'certs:update', options))
  const changed = site.api.patch<SniEndpointJson>(`${site.path}/sni-endpoints/${name}`, body)
  print(options, await progress(`Updating ${name} of ${site.app}`, changed), describe)
}

async function remove(options: ConfirmOptions): Promise<void> {
  const site = await connectToApp(options)
  const { name } = await chosen(site, options)
  await confirm(`This removes the certificate ${name} of ${site.app}.`, confirmation(site, 'certs:remove', options))
  const removed = site.api.delete<SniEndpointJson>(`${site.path}/sni-endpoints/${name}`)
  print(options, await progress(`Removing ${name} from ${site.app}`, removed), () => '')
}

function confirmation({ app }: Site, command: string, { confirm: given }: ConfirmOptions) {
  return {
    name: app,
    ...(given === undefined ? {} : { given }),
    command: `paas ${command} … -a ${app} --confirm ${app}`,
  }
}

/** The one of that name, or the only one. @throws input_missing when there are several, or none */
async function chosen({ api, app, path }: Site, { name }: NameOptions): Promise<SniEndpointJson> {
  if (name !== undefined) return api.get<SniEndpointJson>(`${path}/sni-endpoints/${encodeURIComponent(name)}`)
  const all = (await api.get<SniEndpointJson[]>(`${path}/sni-endpoints`)).filter(({ ssl_cert: cert }) => !cert.acm)
  const [only] = all
  if (only !== undefined && all.length === 1) return only
  const which = all.length === 0 ? 'no certificates' : `${all.length} certificates: name one with --name`
  throw new PaasError('input_missing', `${app} has ${which}.`, { hint: `See them with: paas certs -a ${app}` })
}

async function readPair(certificate: string, key: string): Promise<{ certificate_chain: string; private_key: string }> {
  return { certificate_chain: await read(certificate), private_key: await read(key) }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (!isCode(cause, 'ENOENT', 'EACCES', 'EISDIR')) throw cause
    throw new PaasError('input_missing', `${path} cannot be read: ${(cause as Error).message}.`, { cause })
  }
}

async function shownFor({ api, path }: Site, { id, name }: SniEndpointJson): Promise<string> {
  const domains = (await api.get<DomainJson[]>(`${path}/domains`)).filter(({ sni_endpoint: one }) => one?.id === id)
  if (domains.length > 0) return `It is used for ${domains.map(({ hostname }) => hostname).join(', ')}.`
  return `No domain uses it yet: see paas domains:add, or paas domains:update HOSTNAME --cert ${name}`
}

function describe({ name, ssl_cert: cert }: SniEndpointJson): string[] {
  return pairs([
    ['Name', name],
    ['Common name(s)', cert.cert_domains.join(', ')],
    ['Starts', formatTimeAndAge(cert.starts_at)],
    ['Expires', formatEnd(cert.expires_at)],
    ['Issuer', cert.issuer],
    ['Subject', cert.subject],
    ['Trusted', cert['ca_signed?'] ? 'yes' : 'not by browsers'],
  ])
}
