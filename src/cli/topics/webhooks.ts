import type { Command } from 'commander'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { parseCount } from '../count.ts'
import { fullId } from '../ids.ts'
import { heading, list, note, print, progress, table } from '../output.ts'
import type { WebhookDeliveryJson, WebhookJson } from '../resources/apps.ts'
import { connectToApp } from '../session.ts'
import { formatTimeAndAge } from '../time.ts'

type Settings = AppOptions & {
  include?: string
  level?: string
  url?: string
  secret?: string
  authorization?: string
}

export function defineWebhooks(program: Command): void {
  defineForApp(program, {
    name: 'webhooks',
    summary: 'list the webhooks of an app',
    examples: ['paas webhooks -a acme'],
  }).action(listWebhooks)

  withSettings(
    defineForApp(program, {
      name: 'webhooks:add',
      summary: "add a webhook: notify a server of the app's changes",
      details:
        'Each change is sent as a JSON POST, signed with the secret in the header Heroku-Webhook-Hmac-SHA256. Without --secret one is generated ' +
        'and printed only once. At the level "notify" a delivery is tried once, at "sync" ten times in 14 hours.',
      examples: [
        'paas webhooks:add -i api:release -l notify -u https://ci.example.com/hook',
        'paas webhooks:add -i api:build,api:release -l sync -u https://example.com/hook -t "Bearer abc"',
      ],
    }),
    true,
  ).action(add)

  withSettings(
    defineForApp(program, {
      name: 'webhooks:update',
      arguments: '<id>',
      summary: 'change the events, URL or secret of a webhook',
      examples: ['paas webhooks:update 01234567-89ab-cdef-0123-456789abcdef -i api:app -l sync'],
    }),
    false,
  ).action(update)

  defineForApp(program, {
    name: 'webhooks:remove',
    arguments: '<id>',
    summary: 'remove a webhook',
    examples: ['paas webhooks:remove 01234567-89ab-cdef-0123-456789abcdef'],
  }).action(remove)

  defineForApp(program, {
    name: 'webhooks:deliveries',
    summary: 'list the deliveries of webhooks, and their status',
    examples: ['paas webhooks:deliveries -a acme'],
  })
    .option('-n, --num <count>', 'how many of the newest, at most', '100')
    .action(listDeliveries)
}

function withSettings(command: Command, all: boolean): Command {
  const option = all ? command.requiredOption.bind(command) : command.option.bind(command)
  option('-i, --include <entities>', 'entities: api:app, api:build, api:release, dyno, …, separated by commas')
  option('-l, --level <level>', '"notify", or "sync", which retries')
  option('-u, --url <url>', 'where to')
  return command
    .option('-s, --secret <secret>', 'the secret that signs each delivery')
    .option('-t, --authorization <value>', 'an Authorization header to send')
}

async function listWebhooks(options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const webhooks = await api.get<WebhookJson[]>(`${path}/webhooks`)
  print(options, webhooks, () =>
    webhooks.length === 0
      ? `${app} has no webhooks.`
      : [
          heading(`${app} Webhooks`),
          ...table(webhooks.map(({ id, url, include, level }) => [id, url, include.join(','), level])),
        ],
  )
}

async function add(options: Settings): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  // Generated here, because the server returns its own only in a header.
  const secret = options.secret ?? crypto.randomUUID().replaceAll('-', '')
  const body = { ...settingsOf(options), secret }
  const made = await progress(`Adding a webhook to ${app}`, api.post<WebhookJson>(`${path}/webhooks`, body))
  note(`Undo with: paas webhooks:remove ${made.id} -a ${app}`)
  print(options, { ...made, secret }, () => list([['Secret', secret]]))
}

async function update(id: string, options: Settings): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const change = api.patch<WebhookJson>(await pathOf(api, { app, path }, id), settingsOf(options))
  print(options, await progress(`Changing a webhook of ${app}`, change), () => '')
}

async function remove(id: string, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const removed = api.delete<WebhookJson>(await pathOf(api, { app, path }, id))
  print(options, await progress(`Removing a webhook from ${app}`, removed), () => '')
}

async function pathOf(api: Client, { app, path }: { app: string; path: string }, id: string): Promise<string> {
  const full = await fullId(id, {
    what: 'webhook',
    see: `paas webhooks -a ${app}`,
    all: () => api.get<WebhookJson[]>(`${path}/webhooks`),
  })
  return `${path}/webhooks/${encodeURIComponent(full)}`
}

async function listDeliveries(options: AppOptions & { num: string }): Promise<void> {
  const count = parseCount(options.num)
  const { api, app, path } = await connectToApp(options)
  const range = `seq ..; order=desc,max=${count}`
  const deliveries = await api.get<WebhookDeliveryJson[]>(`${path}/webhook-deliveries`, range)
  print(options, deliveries, () =>
    deliveries.length === 0
      ? `${app} has no deliveries.`
      : [heading(`${app} Deliveries`), ...table(deliveries.map((delivery) => deliveryRow(delivery)))],
  )
}

function deliveryRow({ created_at, event, status, num_attempts, last_attempt, next_attempt_at }: WebhookDeliveryJson) {
  const outcome = last_attempt ? String(last_attempt.code ?? last_attempt.error_class) : ''
  const next = next_attempt_at ? `next ${formatTimeAndAge(next_attempt_at)}` : ''
  return [formatTimeAndAge(created_at), event.include, status, `${num_attempts} attempts`, outcome, next]
}

function settingsOf({ include, level, url, secret, authorization }: Settings): object {
  return {
    ...(include === undefined ? {} : { include: include.split(',').map((entity) => entity.trim()) }),
    ...Object.fromEntries(
      Object.entries({ level, url, secret, authorization }).filter(([, value]) => value !== undefined),
    ),
  }
}
