import type { TestApp } from '../../test/helpers/app.ts'
import { RawClient } from '../../test/router/helpers/raw-client.ts'
import { eachTick, pause } from './pace.ts'
import type { Stage } from './stage.ts'
import type { Tally } from './tally.ts'

const everySeconds = 5
/** A client that this machine held up for so many milliseconds did not keep to what it was told. */
const mostLate = 2_000

/** Connections that lie idle for just as long as their answer said they may, and then ask again. */
export async function sendLate({ stage, tally }: { stage: Stage; tally: Tally }, signal: AbortSignal): Promise<void> {
  const open: Promise<void>[] = []
  await eachTick(everySeconds * 1000, signal, () => {
    const app = stage.apps[open.length % stage.apps.length]!
    open.push(askTwice(app, tally, signal).catch((cause: unknown) => tally.cut('late request', String(cause))))
  })
  await Promise.all(open)
}

async function askTwice(app: TestApp, tally: Tally, signal: AbortSignal): Promise<void> {
  using client = await RawClient.connect(app.server.port)
  const question = `GET /version HTTP/1.1\r\nHost: ${app.host}\r\n\r\n`
  const answer = await client.send(question).until(/\r\n\r\n[^]/)
  const seconds = /\r\nKeep-Alive: timeout=(\d+)/.exec(answer)?.[1]
  if (seconds === undefined) throw new Error(`the answer does not say how long: ${answer}`)
  const due = performance.now() + Number(seconds) * 1000
  if (!(await pause(due - performance.now(), signal))) return
  if (performance.now() - due > mostLate) return tally.did('late request that was too late')
  client.received = ''
  await client.send(question).until(/^HTTP\/1\.1 200 [^]*\r\n\r\n[^]/)
  tally.did('late request')
}
