import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { gitEnvironment } from '../test/helpers/repository.ts'
import { TestApp, type ServerAddress } from '../test/helpers/app.ts'
import { median } from './statistics.ts'
import type { Row } from './table.ts'

/** Milliseconds between the end of a push and the next: a person looks at what it did, and what a build left is put away. */
export const betweenPushes = 5000

/** Push to served of a small Express app: once cold, then warm with its dependencies unchanged, in milliseconds. */
export async function benchPush(server: ServerAddress, rounds = 7): Promise<Row[]> {
  await using app = await TestApp.create(server, 'node-express')
  const cold = await timedPush(app, 'cold')
  const warm: TimedPush[] = []
  for (let round = 1; round <= rounds; round += 1) {
    await delay(betweenPushes)
    warm.push(await timedPush(app, `warm ${round}`))
  }
  const phaseNames = Object.keys(warm[0]?.phases ?? {})
  const ours = warm.map(({ total, phases }) => total - (phases['compile'] ?? 0) - (phases['boot'] ?? 0))
  return [
    { what: 'push to served, cold', value: cold.total, unit: 'ms' },
    target({ what: 'push to served, warm (median)', value: median(warm.map(({ total }) => total)), unit: 'ms' }, 3000),
    target({ what: '  of it ours (all but buildpack and app boot)', value: median(ours), unit: 'ms' }, 1000),
    ...phaseNames.map((name) => ({
      what: `  phase ${name}`,
      value: median(warm.map(({ phases }) => phases[name] ?? 0)),
      unit: 'ms',
    })),
  ]
}

/** Delay of a build's output line, from its printing in the container to the git client's stderr, in milliseconds. */
export async function benchOutputDelay(server: ServerAddress, lines = 30): Promise<Row[]> {
  await using app = await TestApp.create(server, 'node-hello')
  const print = `for (let n = 0; n < ${lines}; n++) setTimeout(() => console.log('printed-at ' + Date.now()), 100 * n)`
  await app.repository.write('print.cjs', print)
  const manifest = { name: 'delay', version: '1.0.0', scripts: { start: 'node server.js', build: 'node print.cjs' } }
  await app.repository.write('package.json', JSON.stringify(manifest))
  await app.repository.commit('print times')
  const delays: number[] = []
  const { code, output } = await watchedPush(app, (text) => {
    const seenAt = Date.now()
    for (const match of text.matchAll(/printed-at (\d{13})/g)) delays.push(seenAt - Number(match[1]))
  })
  if (code !== 0 || delays.length === 0) throw new Error(`the push that measures the delay failed:\n${output}`)
  return [
    target({ what: 'output line, container to client (median)', value: median(delays), unit: 'ms' }, 100),
    target({ what: 'output line, container to client (worst)', value: Math.max(...delays), unit: 'ms' }, 100),
  ]
}

/** Milliseconds, the hold not counted. */
export type TimedPush = { total: number; phases: Record<string, number>; output: string }

/** Pushes a `server.js`, an Express app if not given, that answers with the text. @throws when it does not serve then */
export async function timedPush(app: TestApp, text: string, source = serverAnswering(text)): Promise<TimedPush> {
  await app.repository.write('server.js', source)
  await app.repository.commit(text)
  const pushed = await timedPushOfCommit(app)
  const { body } = await app.get()
  if (body !== text) throw new Error(`push of "${text}" serves "${body}":\n${pushed.output}`)
  return pushed
}

/** Pushes what is committed. @throws when that fails */
export async function timedPushOfCommit(app: TestApp, onText: (text: string) => void = () => {}): Promise<TimedPush> {
  const start = performance.now()
  const { code, output } = await watchedPush(app, onText)
  const ended = performance.now() - start
  if (code !== 0) throw new Error(`git push exited with ${code}:\n${output}`)
  const { hold = 0, ...phases } = phasesIn(output)
  return { total: ended - hold, phases, output } // it serves before the hold
}

function serverAnswering(text: string): string {
  return `require('express')().get('/', (_, answer) => answer.send(${JSON.stringify(text)})).listen(process.env.PORT)\n`
}

/** The phase line that ends every build's output: `Phases: source 0.05s, compile 0.31s, …`. */
function phasesIn(output: string): Record<string, number> {
  const line = /Phases: (.*)/.exec(output)?.[1] ?? ''
  return Object.fromEntries(
    [...line.matchAll(/([a-z][a-z ]*) ([\d.]+)s/g)].map((match) => [match[1], Number(match[2]) * 1000]),
  )
}

function watchedPush(app: TestApp, onText: (text: string) => void): Promise<{ code: number; output: string }> {
  return new Promise((settle) => {
    const client = spawn('git', ['push', 'paas', 'main'], { cwd: app.repository.path, env: gitEnvironment() })
    let output = ''
    client.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      onText(chunk.toString())
    })
    client.on('close', (code) => settle({ code: code ?? -1, output }))
  })
}

function target(row: Row, most: number): Row {
  return { ...row, target: `≤ ${most} ${row.unit}`, met: row.value <= most }
}
