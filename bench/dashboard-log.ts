import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createLog } from '../src/log.ts'
import { openAppLogWriter } from '../src/logs/writer.ts'
import type { AppId } from '../src/model/ids.ts'
import type { AppLogWriter } from '../src/model/app-log.ts'
import { launch } from '../test/dashboard/chromium/web.ts'
import { api } from '../test/helpers/app.ts'
import { rolePid } from '../test/helpers/processes.ts'
import type { TestServer } from '../test/helpers/server.ts'
import { memoryOf } from './memory.ts'
import { median } from './statistics.ts'
import type { Row } from './table.ts'

const viewers = 20
/** Lines a second that the busy app writes, and for how many seconds. */
const rate = 500
const seconds = 20

/** A log in a browser: how late a line is there, and what many viewers of a busy one take of the api. */
export async function benchDashboardLog(server: TestServer): Promise<Row[]> {
  const { body: app } = await api<{ id: AppId }>(server, 'POST', '/apps', { body: { name: 'busy' } })
  const directory = join(server.dataDirectory, 'logs')
  await using writer = openAppLogWriter({ directory, log: createLog('bench', 'silent') })
  const delays = await lineDelays(server, (text) => write(writer, app.id, text))
  const before = await apiMemory(server)
  const most = await watched(server, (text) => write(writer, app.id, text))
  return [
    row('dashboard: a line of a log in the browser (median)', median(delays), 'ms', 100),
    row('  the latest', Math.max(...delays), 'ms'),
    row(`  api with ${viewers} viewers of ${rate} lines a second, at most`, most - before, 'MiB', 20),
  ]
}

function write(writer: AppLogWriter, id: AppId, text: string): void {
  writer.write(id, { time: new Date(), source: 'app', process: 'web.1', text })
}

/** Milliseconds from the writing of each line until it is in the page. */
async function lineDelays(server: TestServer, print: (text: string) => void): Promise<number[]> {
  const browser = await launch()
  try {
    const context = await browser.newContext()
    await context.addCookies([{ name: 'paas-session', value: server.token, url: server.url, httpOnly: true }])
    const tab = await context.newPage()
    print('before')
    await tab.goto(`${server.url}/dashboard/apps/busy/logs`)
    await tab.locator('#log').getByText('before').waitFor()
    const seen = tab.evaluate(collected)
    for (let i = 0; i < 50; i++) {
      print(`printed-at ${Date.now()}`)
      await delay(100)
    }
    print('the end')
    return (await seen) as number[]
  } finally {
    await browser.close()
  }
}

/** Run in the page. */
const collected = `new Promise((done) => {
  const delays = []
  const log = document.getElementById('log')
  new MutationObserver((changes) => {
    const now = Date.now()
    for (const { textContent } of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
      const at = /printed-at (\\d{13})/.exec(textContent)?.[1]
      if (at) delays.push(now - Number(at))
      if (textContent.includes('the end')) done(delays)
    }
  }).observe(log, { childList: true })
})`

/** MiB that the api held at most while the log was busy and followed. */
async function watched(server: TestServer, print: (text: string) => void): Promise<number> {
  const open = await Promise.all(Array.from({ length: viewers }, () => follow(server)))
  let most = 0
  for (let second = 0; second < seconds; second++) {
    for (let tenth = 0; tenth < 10; tenth++) {
      for (let i = 0; i < rate / 10; i++) print(`line ${i} ${'x'.repeat(90)}`)
      await delay(100)
    }
    most = Math.max(most, await apiMemory(server))
  }
  const bytes = open.map(({ socket }) => socket.bytesRead)
  for (const stream of open) stream.destroy()
  if (Math.min(...bytes) < rate * seconds * 90) throw new Error(`a viewer got ${Math.min(...bytes)} bytes only`)
  return most
}

/** As the page of a log does. */
async function follow(server: TestServer): Promise<IncomingMessage> {
  const asked = { body: { tail: true, lines: 0 } }
  const { body } = await api<{ logplex_url: string }>(server, 'POST', '/apps/busy/log-sessions', asked)
  const { pathname, search } = new URL(body.logplex_url)
  const headers = { host: new URL(server.url).host, accept: 'text/event-stream' }
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const options = { host: '127.0.0.1', port: server.port, path: pathname + search, headers, agent: false }
  request(options, resolve).on('error', reject).end()
  const answer = await promise
  answer.on('error', () => undefined).resume()
  return answer
}

async function apiMemory(server: TestServer): Promise<number> {
  return (await memoryOf(rolePid(server.pid, 'api'))).total
}

function row(what: string, value: number, unit: string, most?: number): Row {
  return { what, value, unit, ...(most === undefined ? {} : { target: `≤ ${most} ${unit}`, met: value <= most }) }
}
