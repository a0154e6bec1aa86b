import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLog } from '../../src/log.ts'
import { openAppLogReader } from '../../src/logs/reader.ts'
import { openAppLogWriter } from '../../src/logs/writer.ts'
import { LogCollector } from '../../src/worker/collect-logs.ts'
import { LogCursors } from '../../src/worker/log-cursors.ts'
import { letGo, never, testEngine, type TestEngine } from '../engine/support.ts'

const log = createLog('test', 'error')
/** Large enough to keep all that the tests write. */
const sizes = { segmentBytes: 2 ** 30, segments: 2 }

let server: TestEngine
let directory: string
beforeAll(async () => {
  server = await testEngine()
  directory = await mkdtemp(join(tmpdir(), 'paas-collect-'))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

/** One dyno is collected from until it has ended; gives what the app's log has then. */
async function collect(dyno: { id: string; name: string; appId: TestEngine['appId'] }, place: { file: string }) {
  const path = join(directory, place.file)
  await using logs = openAppLogWriter({ directory: path, log, sizes })
  await using collector = new LogCollector({
    engine: server.engine,
    logs,
    cursors: new LogCursors({ path: `${path}.json`, log }),
    log,
  })
  collector.follow(dyno)
  await collector.finished(dyno.id)
  await logs[Symbol.asyncDispose]()
  const reader = openAppLogReader({ directory: path })
  const lines = await Array.fromAsync(reader.read(server.appId, { lines: 1e6, follow: false }, never))
  return {
    texts: lines.filter(({ process }) => process === dyno.name).map(({ text }) => text),
    notices: lines.filter(({ process }) => process === 'logplex').map(({ text }) => text),
  }
}

const dropped = (notices: string[]) =>
  notices.map((text) => Number(/: (\d+) messages dropped/.exec(text)?.[1])).reduce((a, b) => a + b, 0)

const oneOff = (name: string, command: string) => server.dyno(command, { name, type: 'run', restart: false })

describe('the log of an app', () => {
  it('has each of 200,000 lines that a dyno writes as fast as it can once, or counts it as dropped', async () => {
    const count = 200_000
    const dyno = await oneOff('run.1', `exec perl -e 'printf "%07d %s\\n", $_, "x" x 91 for 1..${count}'`)
    const { texts, notices } = await collect(dyno, { file: 'burst' })
    const numbers = texts.map((text) => Number(text.slice(0, 7)))
    expect(numbers.length + dropped(notices)).toBe(count)
    expect(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!)).toBe(true)
  }, 120_000)

  it('says that lines are missing when a dyno wrote more than is kept while nobody collected, and has the rest once', async () => {
    // The engine keeps JSON, where each of these characters takes six.
    const dyno = await oneOff(
      'run.2',
      `for n in {1..3}; do echo first $n; done; while [ ! -e /tmp/go ]; do sleep 0.05; done
       exec perl -e 'printf "%07d %s\\n", $_, "\\1" x 9000 for 1..1400'`,
    )
    const [first] = await Array.fromAsync(head(dyno.id))
    const cursors = new LogCursors({ path: join(directory, 'gap.json'), log })
    cursors.set(dyno.id, first!.cursor)
    cursors.save()
    await letGo(dyno.id)
    await server.engine.waitDyno(dyno.id, never)
    const { texts, notices } = await collect(dyno, { file: 'gap' })
    expect(notices).toContainEqual(expect.stringMatching(/L10 .*an unknown number of messages of run\.2 dropped since/))
    const numbers = texts.map((text) => Number(text.slice(0, 7)))
    expect(numbers.at(-1)).toBe(1400)
    expect(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!)).toBe(true)
  }, 60_000)
})

async function* head(id: string) {
  for await (const line of server.engine.dynoOutput(id, { follow: true }, never)) {
    yield line
    return
  }
}
