import { get, type IncomingMessage } from 'node:http'
import type { TestApp } from '../../test/helpers/app.ts'
import { pause } from './pace.ts'
import type { Stage } from './stage.ts'
import type { ExpectedLines, Tally } from './tally.ts'

/** Of a log that is followed anew, as many lines as there are at most. */
const backlog = 1500
const glanceEvery = 5_000
const glanceLength = 1_000

type Deps = { stage: Stage; tally: Tally; lines: ExpectedLines }

/** Follows the log of each app until `signal`, and looks into one for a moment now and then. */
export async function followLogs({ stage, tally, lines }: Deps, signal: AbortSignal): Promise<void> {
  await Promise.all([
    ...stage.apps.map((app) => followForGood(app, tally, lines, signal)),
    glance(stage.apps, tally, signal),
  ])
}

async function followForGood(app: TestApp, tally: Tally, lines: ExpectedLines, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const line of follow(app, backlog, signal)) read(line, tally, lines)
      if (!signal.aborted) throw new Error('it ended')
    } catch (cause) {
      if (!signal.aborted) tally.cut('log tail', `${app.name}: ${String(cause)}`)
    }
    await pause(500, signal)
  }
}

function read(line: string, tally: Tally, lines: ExpectedLines): void {
  tally.did('log line')
  const id = /\[web\.\d+\]: soak (\d+)$/.exec(line)?.[1]
  if (id !== undefined) lines.saw(`app ${id}`)
  const path = /\[router\]: at=info .* path="\/n\/(\d+)"/.exec(line)?.[1]
  if (path !== undefined) lines.saw(`router ${path}`)
  if (/Error L10/.test(line)) tally.lost('log line', line)
}

async function glance(apps: TestApp[], tally: Tally, signal: AbortSignal): Promise<void> {
  for (let turn = 0; await pause(glanceEvery, signal); turn++) {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(glanceLength)])
      for await (const _line of follow(apps[turn % apps.length]!, 10, limit));
      tally.did('log tail')
    } catch (cause) {
      tally.cut('log tail', String(cause))
    }
  }
}

/** Ends without an error when `signal` comes. */
async function* follow(app: TestApp, lines: number, signal: AbortSignal): AsyncGenerator<string> {
  const { body } = await app.api<{ logplex_url: string }>('POST', '/log-sessions', { lines, tail: true })
  const answer = await open(app, new URL(body.logplex_url))
  const end = (): void => void answer.destroy()
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  try {
    let rest = ''
    for await (const chunk of answer.setEncoding('utf8')) {
      const pieces = (rest + String(chunk)).split('\n')
      rest = pieces.pop()!
      yield* pieces
    }
  } catch (cause) {
    if (!signal.aborted) throw cause
  } finally {
    signal.removeEventListener('abort', end)
    answer.destroy()
  }
}

function open(app: TestApp, { host, pathname, search }: URL): Promise<IncomingMessage> {
  const { port } = app.server
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: pathname + search, agent: false, headers: { host } }, resolve).on(
      'error',
      reject,
    )
  })
}
