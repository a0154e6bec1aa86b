import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { addonCalled, pathOf } from '../addon-names.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { note, print, progress } from '../output.ts'
import type { AddonJson } from '../resources/data.ts'
import { connectToApp } from '../session.ts'

type RedisConfigJson = {
  maxmemory_policy: { value: string; values: Record<string, string> }
  timeout: { value: number }
}

const policies =
  'noeviction, allkeys-lfu, volatile-lfu, allkeys-lru, volatile-lru, allkeys-random, volatile-random, volatile-ttl'

export function defineRedis(program: Command): void {
  defineForApp(program, {
    name: 'redis:maxmemory',
    arguments: '[addon]',
    summary: 'say what goes when the memory of Redis is full',
    details: `The policies are ${policies}.`,
    examples: ['paas redis:maxmemory --policy allkeys-lru -a acme'],
  })
    .requiredOption('-p, --policy <name>', 'the policy')
    .action((name: string | undefined, { policy, ...options }: AppOptions & { policy: string }) =>
      set(name, { maxmemory_policy: policy }, { options, say: sayPolicy }),
    )

  defineForApp(program, {
    name: 'redis:timeout',
    arguments: '[addon]',
    summary: 'say when idle connections to Redis are closed',
    examples: ['paas redis:timeout --seconds 60 -a acme', 'paas redis:timeout --seconds 0   # never'],
  })
    .requiredOption('-s, --seconds <number>', 'seconds; 0: never')
    .action((name: string | undefined, { seconds, ...options }: AppOptions & { seconds: string }) =>
      set(name, { timeout: secondsIn(seconds) }, { options, say: sayTimeout }),
    )

  for (const { topic, usual, what } of [
    { topic: 'pg', usual: 'DATABASE', what: 'a database' },
    { topic: 'redis', usual: 'REDIS', what: 'a Redis' },
  ]) {
    defineForApp(program, {
      name: `${topic}:credentials`,
      arguments: '[addon]',
      summary: `print the URL of ${what}, with its password`,
      details: `Give it another one with: paas ${topic}:rotate`,
      examples: [`paas ${topic}:credentials -a acme`],
    }).action((name: string | undefined, options: AppOptions) => credentials(name ?? usual, options))
  }
}

function secondsIn(text: string): number {
  if (/^\d{1,8}$/.test(text)) return Number(text)
  throw new PaasError('usage', `--seconds is "${text}"; it must be 0 to 99999999.`)
}

function sayPolicy({ maxmemory_policy: { value, values } }: RedisConfigJson): string {
  return `${value} ${values[value] ?? ''}.`
}

function sayTimeout({ timeout: { value } }: RedisConfigJson): string {
  return value === 0 ? 'Idle connections are never closed.' : `Idle connections are closed after ${value} seconds.`
}

type Setting = { options: AppOptions; say: (config: RedisConfigJson) => string }

async function set(name: string | undefined, body: object, { options, say }: Setting): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon = await addonCalled({ api, app }, name ?? 'REDIS')
  const asked = api.patch<RedisConfigJson>(`/redis/v0/databases/${addon.id}/config`, body)
  print(options, await progress(`Changing ${addon.name}`, asked), say)
}

async function credentials(name: string, options: AppOptions): Promise<void> {
  const { api, app } = await connectToApp(options)
  const addon: AddonJson = await addonCalled({ api, app }, name)
  const config = await api.get<{ name: string; value: string }[]>(`${pathOf(addon)}/config`)
  const url = config.find((one) => one.name === 'URL')?.value ?? ''
  print(options, { url }, () => url)
  note(`Only apps that ${addon.name} is attached to reach it.`)
}
