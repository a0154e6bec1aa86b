import type { IncomingMessage } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { parseCount } from '../count.ts'
import { readEvents } from '../lines.ts'
import { style } from '../output.ts'
import { persist, sayLost } from '../persist.ts'
import { connectToApp } from '../session.ts'

type LogOptions = AppOptions & { tail?: true; num: string; dyno?: string; processType?: string; source?: string }
type Request = { lines: number; tail: boolean; dyno?: string; type?: string; source?: string }

/**
 * The server sends something every 20 s: a connection that is silent for longer is dead.
 * Milliseconds.
 */
const longestSilence = 60_000
/**
 * A server that stops may end a stream that was just opened: milliseconds before another is asked
 * for.
 */
const pause = 500

export function defineLogs(program: Command): void {
  defineForApp(program, {
    name: 'logs',
    summary: 'show the log of an app',
    details:
      'Each line has a time, a source and a process: app[web.1] is output of that dyno, heroku[router] a request, ' +
      'app[api] an action of a user. With --json, one JSON object per line.',
    examples: [
      'paas logs -n 500',
      'paas logs --tail                  # follows until Ctrl-C',
      'paas logs -d web.1 -s app         # output of one dyno',
      'paas logs -p worker -a acme       # output of all dynos of a type',
    ],
  })
    .option('-t, --tail', 'follow new lines')
    .option('-n, --num <count>', 'number of last lines, 1 to 1500', '100')
    .option('-d, --dyno <name>', 'only this dyno (web.1), process type (web) or part of the platform (router)')
    .option('-p, --process-type <type>', 'only the dynos of this type')
    .option('-s, --source <source>', 'only "app", or only "heroku" (the platform)')
    .action(showLogs)
}

async function showLogs({ tail, num, dyno, processType, source, ...options }: LogOptions): Promise<void> {
  const { api, path } = await connectToApp(options)
  const request: Request = {
    lines: parseCount(num, 1500),
    tail: tail === true,
    ...(dyno ? { dyno } : {}),
    ...(processType ? { type: processType } : {}),
    ...(source ? { source } : {}),
  }
  const show = options.json ? showJson : showText
  let [last, told] = ['', false]
  const open = (): Promise<IncomingMessage> => openStream(api, path, { request, last })
  for (let lines = await open(); ; lines = await persist(api, open, { told: true })) {
    const before = last
    last = await showAll(lines, { request, last, show })
    if (!tail) return
    // A server that is stopping accepts a few more connections and ends them at once.
    if (!told || last !== before) sayLost(api.server.url)
    told = true
    await wait(pause)
  }
}

async function openStream(
  api: Client,
  path: string,
  { request, last }: { request: Request; last: string },
): Promise<IncomingMessage> {
  const session = await api.post<{ logplex_url: string }>(`${path}/log-sessions`, request)
  const headers = { accept: 'text/event-stream', ...(last === '' ? {} : { 'last-event-id': last }) }
  return api.stream(session.logplex_url, headers)
}

type Following = { request: Request; last: string; show: (line: string) => void }

/**
 * Shows lines until the stream ends or breaks; returns the id of the last one, from which another
 * can continue.
 */
async function showAll(response: IncomingMessage, { request, last, show }: Following): Promise<string> {
  response.setTimeout(longestSilence, () => response.destroy())
  let seen = last
  try {
    for await (const { id, data } of readEvents(response)) {
      show(data)
      seen = id
    }
  } catch (cause) {
    if (!request.tail) throw new PaasError('server_unreachable', 'The log ended: the connection was lost.', { cause })
  }
  return seen
}

function showJson(line: string): void {
  const [, time, source, process_, text] = /^(\S+) (\w+)\[([^\]]*)\]: (.*)$/s.exec(line) ?? []
  process.stdout.write(`${JSON.stringify({ time, source, process: process_, text })}\n`)
}

const palette = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'cyanBright', 'yellowBright', 'greenBright'] as const

/**
 * Each process in a colour of its own, always the same; what the app coloured itself only on a
 * terminal.
 */
function showText(line: string): void {
  const end = line.indexOf(']: ') + 2
  const head = line.slice(0, end)
  const text = process.stdout.isTTY ? `${line.slice(end)}\u001b[0m` : stripVTControlCharacters(line.slice(end))
  process.stdout.write(`${style(colourOf(head.slice(head.indexOf(' '))), head)}${text}\n`)
}

function colourOf(process: string): (typeof palette)[number] {
  let sum = 7
  for (let index = 0; index < process.length; index++) sum = (sum * 31 + process.charCodeAt(index)) % 1009
  return palette[sum % palette.length] ?? 'cyan'
}
