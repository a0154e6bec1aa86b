import type { Command } from 'commander'
import { defineForApp, type AppOptions } from '../command.ts'
import { confirm } from '../confirm.ts'
import { heading, list as pairs, note, print, progress, table } from '../output.ts'
import type { DomainJson } from '../resources.ts'
import { connectToApp } from '../session.ts'
import { formatTime } from '../time.ts'

type CertOptions = AppOptions & { cert?: string }
type ClearOptions = AppOptions & { confirm?: string }

export function defineDomains(program: Command): void {
  defineForApp(program, {
    name: 'domains',
    summary: 'list the host names that lead to the app',
    examples: ['paas domains -a acme'],
  }).action(list)

  defineForApp(program, {
    name: 'domains:add',
    arguments: '<hostname>',
    summary: 'have a host name of your own lead to the app',
    details:
      'Point it here in your DNS as well: with a CNAME to the target that is shown, or an A record with the address of the ' +
      'server. *.example.com stands for every name below example.com that is not added itself. Where the server asks for a proof that ' +
      'a name is yours, it is refused with the record to set; add it again then.',
    examples: ['paas domains:add www.example.com', "paas domains:add '*.example.com' --cert quiet-harbor-4821"],
  })
    .option('--cert <name>', 'the certificate to show its visitors (else one that is for it)')
    .action(add)

  defineForApp(program, {
    name: 'domains:info',
    arguments: '<hostname>',
    summary: 'show one host name of the app',
    examples: ['paas domains:info www.example.com'],
  }).action(info)

  defineForApp(program, {
    name: 'domains:update',
    arguments: '<hostname>',
    summary: 'show its visitors another certificate',
    examples: ['paas domains:update www.example.com --cert quiet-harbor-4821'],
  })
    .requiredOption('--cert <name>', 'the certificate, as paas certs names it')
    .action(update)

  defineForApp(program, {
    name: 'domains:wait',
    arguments: '<hostname>',
    summary: 'wait until a host name leads to the app',
    details: 'Here that is so as soon as it is added; what your DNS says is not looked at.',
    examples: ['paas domains:wait www.example.com'],
  }).action(wait)

  defineForApp(program, {
    name: 'domains:remove',
    arguments: '<hostname>',
    summary: 'have a host name lead to the app no more',
    examples: ['paas domains:remove www.example.com'],
  }).action(remove)

  defineForApp(program, {
    name: 'domains:clear',
    summary: 'remove all host names of your own from the app',
    examples: ['paas domains:clear -a acme --confirm acme'],
  })
    .option('--confirm <app>', 'the name of the app, instead of typing it')
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
      ['Certificate', domain.sni_endpoint?.name ?? "the server's"],
      ['Status', domain.status],
      ['Created', formatTime(domain.created_at)],
    ]),
  )
}

async function update(hostname: string, options: CertOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const changed = api.patch<DomainJson>(at(path, hostname), { sni_endpoint: options.cert })
  print(options, await progress(`Showing visitors of ${hostname} of ${app} ${options.cert}`, changed), () => '')
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

function row({ hostname, cname, sni_endpoint: certificate }: DomainJson): string[] {
  return [hostname, cname ?? '', certificate?.name ?? '']
}

function at(path: string, hostname: string): string {
  return `${path}/domains/${encodeURIComponent(hostname)}`
}
