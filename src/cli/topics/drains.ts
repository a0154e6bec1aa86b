import type { Command } from 'commander'
import { defineForApp, type AppOptions } from '../command.ts'
import { chooseOne } from '../ids.ts'
import { heading, note, print, progress, table } from '../output.ts'
import type { DrainJson } from '../resources/apps.ts'
import { connectToApp } from '../session.ts'

export function defineDrains(program: Command): void {
  defineForApp(program, {
    name: 'drains',
    summary: 'list the log drains of an app',
    examples: ['paas drains -a acme'],
  }).action(list)

  defineForApp(program, {
    name: 'drains:add',
    arguments: '<url>',
    summary: "add a log drain: send the app's log to a server",
    details:
      'https:// receives batches as application/logplex-1; syslog:// and syslog+tls:// receive RFC 5424 over TCP. Lines that a drain ' +
      'does not accept in time are dropped for it and counted in the log (L10); the app never waits.',
    examples: [
      'paas drains:add https://user:password@logs.example.com/acme',
      'paas drains:add syslog+tls://logs.example.com:6514 -a acme',
    ],
  }).action(add)

  defineForApp(program, {
    name: 'drains:remove',
    arguments: '<url>',
    summary: 'remove a log drain',
    details: 'Name the drain by its URL, id or token, as in paas drains.',
    examples: ['paas drains:remove https://logs.example.com/acme'],
  }).action(remove)
}

async function list(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const drains = await api.get<DrainJson[]>(`${path}/log-drains`)
  print(options, drains, () =>
    drains.length === 0
      ? `${app} has no drains.`
      : [heading(`${app} Drains`), ...table(drains.map(({ url, token, id }) => [url, token, id]))],
  )
}

async function add(url: string, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const made = await progress(`Adding a drain to ${app}`, api.post<DrainJson>(`${path}/log-drains`, { url }))
  note(`Undo with: paas drains:remove ${made.id} -a ${app}`)
  print(options, made, ({ token }) => token)
}

async function remove(name: string, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const drain = chooseOne(await api.get<DrainJson[]>(`${path}/log-drains`), name, {
    what: 'drain',
    see: `paas drains -a ${app}`,
    namesOf: ({ id, url, token }) => [id, url, token],
  })
  const removed = api.delete<DrainJson>(`${path}/log-drains/${drain.id}`)
  print(options, await progress(`Removing a drain from ${app}`, removed), () => '')
}
