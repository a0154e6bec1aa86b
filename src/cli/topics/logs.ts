import { setTimeout as wait } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import type { Client } from '../client.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { readEvents } from '../lines.ts'
import { note, style } from '../output.ts'
import { connectToApp } from '../session.ts'

type LogOptions = AppOptions & { tail?: true; num: string; dyno?: string; processType?: string; source?: string }
type Request = { lines: number; tail: boolean; dyno?: string; type?: string; source?: string }

/** The server sends something every 20 s: a connection that is silent for longer is dead. Milliseconds. */
const longestSilence = 60_000
/** How long to wait before the connection of a tail is made again, milliseconds. */
const [shortestPause, longestPause] = [500, 10_000]

export function defineLogs(program: Command): void {
  defineForApp(program, {
    name: 'logs',
    summary: 'show what the app and the platform printed',
    details:
      'Each line has its time, its source and its process: app[web.1] is what that dyno printed, heroku[router] a request, ' +
      'app[api] what a user did. With --json, one JSON object a line.',
    examples: [
      'paas logs -n 500',
      'paas logs --tail                  # goes on until Ctrl-C',
      'paas logs -d web.1 -s app         # what one dyno printed',
      'paas logs -p worker -a acme       # what all dynos of a type printed',
    ],
  })
    .option('-t, --tail', 'go on with new lines')
    .option('-n, --num <count>', 'how many of the last lines, 1 to 1500', '100')
    .option('-d, --dyno <name>', 'only this dyno (web.1), process type (web) or part of the platform (router)')
    .option('-p, --process-type <type>', 'only the dynos of this type')
    .option('-s, --source <source>', 'only "app" or only "heroku", which is the platform')
    .action(showLogs)
}

async function showLogs({ tail, num, dyno, processType, source, ...options }: LogOptions): Promise<void> {
  const { api, path } = await connectToApp(options)
  const request: Request = {
    lines: countOf(num),
    tail: tail === true,
    ...(dyno ? { dyno } : {}),
    ...(processType ? { type: processType } : {}),
    ...(source ? { source } : {}),
  }
  const show = options.json ? showJson : showText
  let last = await stream(api, path, { request, last: '', show })
  if (!tail) return
  for (let pause = shortestPause; ; pause = Math.min(pause * 2, longestPause)) {
    note(`The connection to ${api.server.url} ended; connecting again.`)
    await wait(pause)
    const next = await streamAgain(api, path, { request, last, show })
    if (next === undefined) continue
    last = next
    pause = shortestPause / 2
  }
}

type Following = { request: Request; last: string; show: (line: string) => void }

/** Shows lines until the stream ends or breaks; gives the id of the last one, from which another can go on. */
async function stream(api: Client, path: string, { request, last, show }: Following): Promise<string> {
  const session = await api.post<{ logplex_url: string }>(`${path}/log-sessions`, request)
  const headers = { accept: 'text/event-stream', ...(last === '' ? {} : { 'last-event-id': last }) }
  const response = await api.stream(session.logplex_url, headers)
  response.setTimeout(longestSilence, () => response.destroy())
  let seen = last
  try {
    for await (const { id, data } of readEvents(response)) {
      show(data)
      seen = id
    }
  } catch (cause) {
    if (!request.tail)
      throw new PaasError('server_unreachable', 'The log broke off: the connection was cut.', { cause })
  }
  return seen
}

/** Undefined while the server cannot be reached. */
async function streamAgain(api: Client, path: string, following: Following): Promise<string | undefined> {
  try {
    return await stream(api, path, following)
  } catch (cause) {
    if (cause instanceof PaasError && cause.code === 'server_unreachable') return undefined
    throw cause
  }
}

function countOf(num: string): number {
  const count = /^\d{1,4}$/.test(num) ? Number(num) : 0
  if (count >= 1 && count <= 1500) return count
  throw new PaasError('usage', `--num is "${num}"; it must be 1 to 1500.`)
}

function showJson(line: string): void {
  const [, time, source, process_, text] = /^(\S+) (\w+)\[([^\]]*)\]: (.*)$/s.exec(line) ?? []
  process.stdout.write(`${JSON.stringify({ time, source, process: process_, text })}\n`)
}

const palette = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'cyanBright', 'yellowBright', 'greenBright'] as const

/** Each process in a colour of its own, always the same; what the app coloured itself only on a terminal. */
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
