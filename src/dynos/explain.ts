import type { Dyno, Engine } from '../engine/engine.ts'
import { explainExit, forMemory } from '../model/dyno-exit.ts'
import type { DynoSize, DynoSizes } from '../model/formation.ts'
import { questionFor, type DynoReply } from './ask-dyno.ts'
import type { Fallen } from './hold.ts'
import type { Boot } from './readiness.ts'

type ExplainDeps = { engine: Pick<Engine, 'listeningSockets'>; boot: { timeoutSeconds: number }; sizes: DynoSizes }

/**
 * Why a dyno did not come up, in one line that names what was expected and what was found instead.
 */
export async function explainBoot(deps: ExplainDeps, failure: Exclude<Boot, { kind: 'ready' }>): Promise<string> {
  switch (failure.kind) {
    case 'gone':
      return 'the dyno was removed while it started'
    case 'exited':
      return `${failure.dyno.name} ${explainExit(failure.exit, limitsOf(deps, failure.dyno))}`
    case 'timeout':
      if (failure.outOfMemory) return `${failure.dyno.name} ${forMemory(limitsOf(deps, failure.dyno))}`
      return explainSilence(deps, failure)
  }
}

/** Why a dyno that had been ready is taken back. */
export function explainFall(
  deps: Pick<ExplainDeps, 'sizes'> & { deployHold: { seconds: number } },
  { dyno, exit }: Fallen,
): string {
  const end = exit ? explainExit(exit, limitsOf(deps, dyno)) : 'ended'
  return `in the ${deps.deployHold.seconds} s after the switch ${dyno.name} ${end}`
}

async function explainSilence({ engine, boot }: ExplainDeps, { dyno, reply }: Timeout): Promise<string> {
  const seconds = boot.timeoutSeconds
  if (dyno.type === 'web' && reply.kind !== 'refused') return explainReply(dyno, reply, seconds)
  const sockets = await engine.listeningSockets(dyno.id).catch(() => [])
  const onPort = sockets.find(({ port }) => port === dyno.port)
  const other = sockets[0]
  if (onPort && isLoopback(onPort.address)) {
    return `nothing listens on 0.0.0.0:$PORT (${dyno.port}); the process listens on ${where(onPort)} only`
  }
  if (onPort) return `the process listens on ${where(onPort)}, but does not accept connections within ${seconds} s`
  if (other) return `nothing listens on $PORT (${dyno.port}); the process listens on ${where(other)}`
  return `nothing listens on $PORT (${dyno.port}) after ${seconds} s`
}

type Timeout = Extract<Boot, { kind: 'timeout' }>

function explainReply(dyno: Dyno, reply: Exclude<DynoReply, { kind: 'refused' }>, seconds: number): string {
  const { pathname } = questionFor(dyno)
  if (dyno.healthcheck === undefined && reply.kind === 'answered') {
    const remedy = 'fix it, or set another path in app.json ("healthcheck": "/up")'
    return `${dyno.name} still answers GET / with ${reply.status} after ${seconds} s; ${remedy}`
  }
  return `${dyno.name} is not healthy after ${seconds} s: GET ${pathname}: ${foundInstead(reply)}`
}

function foundInstead(reply: Exclude<DynoReply, { kind: 'refused' }>): string {
  switch (reply.kind) {
    case 'broken':
      return 'it closes the connection without an HTTP response'
    case 'late':
      return 'it does not answer'
    case 'answered':
      return `it answers ${reply.status}`
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

function where({ address, port }: { address: string; port: number }): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}

function limitsOf({ sizes }: Pick<ExplainDeps, 'sizes'>, { size }: Dyno): { memory: number } {
  return sizes[size as DynoSize] ?? sizes.basic
}
