import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { heading, list, note, print, progress } from '../output.ts'
import type { EdgeJson, EdgeUserJson } from '../resources/edge.ts'
import { connectToApp } from '../session.ts'

const usual = 'off'

export function defineEdge(program: Command): void {
  defineForApp(program, {
    name: 'edge',
    summary: 'show which requests an app gets, and their limits',
    examples: ['paas edge -a acme', 'paas edge --json'],
  }).action(async (options: AppOptions) => {
    const { api, app, path } = await connectToApp(options)
    print(options, await api.get<EdgeJson>(`${path}/edge`), (edge) => [heading(`${app} Edge`), ...describe(edge)])
  })

  defineForApp(program, {
    name: 'edge:set',
    summary: 'limit who may send requests, and how large and long',
    details:
      'Networks are lists such as 203.0.113.0/24,2001:db8::/32; "off" removes a list or a limit. Denied networks are refused whatever is allowed. docs/edge.md has the rest.',
    examples: [
      'paas edge:set --allow 203.0.113.0/24,198.51.100.7/32',
      'paas edge:set --answer 120',
      'paas edge:set --body 10 --deny off',
    ],
  })
    .option('--allow <networks>', 'the only networks that requests may come from')
    .option('--deny <networks>', 'networks that no request may come from')
    .option('--body <mebibytes>', 'how large the body of a request may be')
    .option('--answer <seconds>', 'how long the app may take to answer before H12 (30)')
    .option('--idle <seconds>', 'how long a connection may be silent in the midst of an answer (55)')
    .action(set)

  defineForApp(program, {
    name: 'edge:auth',
    arguments: '<name>',
    summary: 'let only those in who log in with a name and password',
    details:
      'For staging: visitors are asked by their browser (HTTP basic authentication). The password is made and printed once; again, it is another one.',
    examples: ['paas edge:auth staging -a acme', 'paas edge:auth staging --remove'],
  })
    .option('--remove', 'remove that login; without any, nobody is asked')
    .action(authenticate)

  defineForApp(program, {
    name: 'protocol',
    arguments: '[protocol]',
    summary: 'show or choose what an app is spoken to with, http1 or h2c',
    details:
      'h2c is HTTP/2 in the clear with prior knowledge, which gRPC needs. In force at once, also for dynos that run. Visitors speak HTTP/2 on the TLS port in either case.',
    examples: ['paas protocol -a acme', 'paas protocol h2c', 'paas protocol http1'],
  }).action(chooseProtocol)
}

type Limits = { allow?: string; deny?: string; body?: string; answer?: string; idle?: string }

async function set(options: AppOptions & Limits): Promise<void> {
  const change = {
    ...(options.allow !== undefined && { allow: networksIn(options.allow) }),
    ...(options.deny !== undefined && { deny: networksIn(options.deny) }),
    ...(options.body !== undefined && { body_bytes: numberIn('--body', options.body, 2 ** 20) }),
    ...(options.answer !== undefined && { answer_seconds: numberIn('--answer', options.answer) }),
    ...(options.idle !== undefined && { idle_seconds: numberIn('--idle', options.idle) }),
  }
  if (Object.keys(change).length === 0) {
    throw new PaasError('input_missing', 'Nothing to set.', { hint: 'See: paas edge:set --help' })
  }
  const { api, app, path } = await connectToApp(options)
  const edge = await progress(`Setting the edge of ${app}`, api.patch<EdgeJson>(`${path}/edge`, change))
  print(options, edge, describe)
}

async function chooseProtocol(wanted: string | undefined, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  if (wanted === undefined) return print(options, await api.get<EdgeJson>(`${path}/edge`), ({ protocol }) => protocol)
  if (wanted !== 'http1' && wanted !== 'h2c') {
    throw new PaasError('invalid_params', `The protocol is "${wanted}"; it must be http1 or h2c.`)
  }
  const change = api.patch<EdgeJson>(`${path}/edge`, { protocol: wanted })
  print(options, await progress(`Setting the protocol of ${app}`, change), ({ protocol }) => protocol)
}

async function authenticate(name: string, { remove, ...options }: AppOptions & { remove?: true }): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const users = `${path}/edge/users`
  if (remove) {
    const gone = api.delete<EdgeUserJson>(`${users}/${encodeURIComponent(name)}`)
    return print(options, await progress(`Removing login ${name} of ${app}`, gone), () => '')
  }
  const made = await progress(`Adding login ${name} to ${app}`, api.post<EdgeUserJson>(users, { name }))
  note('This password is shown once:')
  print(options, made, ({ password }) => password ?? '')
}

function networksIn(text: string): string[] {
  if (text === usual) return []
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** null: the usual one. @throws invalid_params */
function numberIn(option: string, text: string, unit = 1): number | null {
  if (text === usual) return null
  if (/^\d{1,9}$/.test(text)) return Number(text) * unit
  throw new PaasError('invalid_params', `${option} is "${text}"; it must be a whole number, or off.`)
}

function describe({ allow, deny, users, body_bytes, answer_seconds, idle_seconds, protocol }: EdgeJson): string[] {
  return list([
    ['Allowed', allow.length === 0 ? 'everybody' : allow.join(', ')],
    ['Denied', deny.length === 0 ? 'nobody' : deny.join(', ')],
    ['Logins', users.length === 0 ? 'none needed' : users.join(', ')],
    ['Body', body_bytes === null ? 'any size' : `${body_bytes / 2 ** 20} MiB at most`],
    ['Answer', `within ${answer_seconds ?? 30} s`],
    ['Silence', `${idle_seconds ?? 55} s at most`],
    ['Protocol', protocol === 'h2c' ? 'h2c (HTTP/2 in the clear)' : 'http1'],
  ])
}
