import type { Command } from 'commander'
import { defineForApp, type AppOptions } from '../command.ts'
import { confirm } from '../confirm.ts'
import { heading, list as pairs, note, print, progress, table } from '../output.ts'
import type { DomainJson } from '../resources/edge.ts'
import { connectToApp } from '../session.ts'
import { formatTimeAndAge } from '../time.ts'

type CertOptions = AppOptions & { cert?: string }
type ClearOptions = AppOptions & { confirm?: string }

export function defineDomains(program: Command): void {
  defineForApp(program, {
    name: 'domains',
    summary: 'list the domains of an app',
    examples: ['paas domains -a acme'],
  }).action(list)

  defineForApp(program, {
    name: 'domains:add',
    arguments: '<hostname>',
    summary: 'add a custom domain',
    details:
      'Point its DNS to the server: a CNAME to the printed target, or an A record with the address of the ' +
      'server. *.example.com matches every name below example.com that is not added itself. If the server requires a proof that ' +
      'the domain is yours, the error names the DNS record to set; set it and add the domain again.',
    examples: ['paas domains:add www.example.com', "paas domains:add '*.example.com' --cert quiet-harbor-4821"],
  })
    .option('--cert <name>', 'the certificate to use (default: a matching one)')
    .action(add)

  defineForApp(program, {
    name: 'domains:info',
    arguments: '<hostname>',
    summary: 'show a domain of the app',
    examples: ['paas domains:info www.example.com'],
  }).action(info)

  defineForApp(program, {
    name: 'domains:update',
    arguments: '<hostname>',
    summary: 'change the certificate of a domain',
    examples: ['paas domains:update www.example.com --cert quiet-harbor-4821'],
  })
    .requiredOption('--cert <name>', 'the name of the certificate in paas certs')
    .action(update)

  defineForApp(program, {
    name: 'domains:wait',
    arguments: '<hostname>',
    summary: 'wait until a domain is routed to the app',
    details: 'On this server it is routed as soon as it is added; DNS is not checked.',
    examples: ['paas domains:wait www.example.com'],
  }).action(wait)

  defineForApp(program, {
    name: 'domains:remove',
    arguments: '<hostname>',
    summary: 'remove a domain',
    examples: ['paas domains:remove www.example.com'],
  }).action(remove)

  defineForApp(program, {
    name: 'domains:clear',
    summary: 'remove all custom domains from an app',
    examples: ['paas domains:clear -a acme --confirm acme'],
  })
    .option('--confirm <app>', 'the name of the app, to confirm without a prompt')
    .action(clear)
}

async function list(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const domains = await api.get<DomainJson[]>(`${path}/domains`)
  const [own, custom] = [domains.filter(isOwn), domains.filter((domain) => !isOwn(domain))]
  print(options, domains, () => [
    heading(`${app} Domain`),
    ...own.map(({ hostname }) => hostname),
    ...(custom.length === 0 ? [] : ['', heading(`${app} Custom Domains`), ...table(custom.map(row))]),
  ])
}

async function add(hostname: string, options: CertOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const body = { hostname, sni_endpoint: options.cert ?? null }
  const made = await progress(`Adding ${hostname} to ${app}`, api.post<DomainJson>(`${path}/domains`, body))
  note(`Point its DNS here: CNAME to ${made.cname}\nUndo with: paas domains:remove ${made.hostname} -a ${app}`)
  print(options, made, ({ cname }) => cname ?? '')
}

async function info(hostname: string, options: AppOptions): Promise<void> {
  const { api, path } = await connectToApp(options)
  print(options, await api.get<DomainJson>(at(path, hostname)), (domain) =>
    pairs([
      ['Hostname', domain.hostname],
      ['Kind', domain.kind],
      ['DNS target', domain.cname ?? 'none'],
      ['Certificate', domain.sni_endpoint?.name ?? domain.acm_status ?? "the server's"],
      ...(domain.acm_status_reason === null ? [] : [['Reason', domain.acm_status_reason] as [string, string]]),
      ['Status', domain.status],
      ['Created', formatTimeAndAge(domain.created_at)],
    ]),
  )
}

async function update(hostname: string, options: CertOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const changed = api.patch<DomainJson>(at(path, hostname), { sni_endpoint: options.cert })
  print(
    options,
    await progress(`Changing the certificate of ${hostname} of ${app} to ${options.cert}`, changed),
    () => '',
  )
}

async function wait(hostname: string, options: AppOptions): Promise<void> {
  const { api, path } = await connectToApp(options)
  print(options, await progress(`Waiting for ${hostname}`, api.get<DomainJson>(at(path, hostname))), () => '')
}

async function remove(hostname: string, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const removed = api.delete<DomainJson>(at(path, hostname))
  print(options, await progress(`Removing ${hostname} from ${app}`, removed), () => '')
  note(`Undo with: paas domains:add ${hostname} -a ${app}`)
}

async function clear(options: ClearOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const custom = (await api.get<DomainJson[]>(`${path}/domains`)).filter((domain) => !isOwn(domain))
  await confirm(`This removes ${custom.length} domains from ${app}.`, {
    name: app,
    ...(options.confirm === undefined ? {} : { given: options.confirm }),
    command: `paas domains:clear -a ${app} --confirm ${app}`,
  })
  for (const { hostname } of custom) {
    await progress(`Removing ${hostname} from ${app}`, api.delete<DomainJson>(at(path, hostname)))
  }
  print(options, custom, () => '')
}

const isOwn = ({ kind }: DomainJson): boolean => kind === 'heroku'

function row({ hostname, cname, sni_endpoint: certificate, acm_status: status }: DomainJson): string[] {
  return [hostname, cname ?? '', certificate?.name ?? status ?? '']
}

function at(path: string, hostname: string): string {
  return `${path}/domains/${encodeURIComponent(hostname)}`
}
