import type { Dyno, Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { joinedAddon, type OneOff } from '../model/one-off.ts'
import type { AttachedClient } from './client.ts'
import { converse, terminalSizeOf } from './session.ts'

export type ExecDeps = { engine: Pick<Engine, 'listDynos' | 'listServices' | 'execInDyno' | 'endExec'>; log: Logger }

/** A one-off that joins a dyno which runs already. */
export type Joining = OneOff & { dyno: string }

export function isJoining(oneOff: OneOff): oneOff is Joining {
  return oneOff.dyno !== null
}

/**
 * Runs a command in a running dyno for a client, until it, its client or the dyno ends. Nothing of
 * it is left then.
 */
export async function runInDyno(
  deps: ExecDeps,
  { oneOff, client }: { oneOff: Joining; client: AttachedClient },
  signal: AbortSignal,
): Promise<void> {
  const { engine } = deps
  const { id } = (await serviceOf(deps, oneOff)) ?? (await runningDyno(deps, oneOff))
  const { command, env, input } = oneOff
  const terminal = input === 'terminal' ? terminalSizeOf(client) : undefined
  try {
    const { exit, ...process } = await engine.execInDyno(id, { session: oneOff.id, command, env, terminal }, signal)
    await converse(deps, { client, process, exit }, signal)
  } finally {
    await engine.endExec(id, oneOff.id)
  }
}

/** The container of an add-on that is joined; undefined: it is a dyno. @throws not_found */
async function serviceOf({ engine }: ExecDeps, { dyno: name }: Joining): Promise<{ id: string } | undefined> {
  if (!name.startsWith('@')) return undefined
  const services = await engine.listServices()
  const found = services.find((one) => joinedAddon(one.addonId) === name && one.state.kind === 'running')
  if (found) return found
  throw new PaasError('not_found', 'The add-on is not running.', { hint: 'See why with: paas logs' })
}

/** Ends what a worker that died left of it. */
export async function endLeftExec(deps: ExecDeps, oneOff: Joining, dynos: Dyno[]): Promise<void> {
  const { engine } = deps
  const service = await serviceOf(deps, oneOff).catch(() => undefined)
  const those = [
    ...dynos.filter(({ appId, name }) => appId === oneOff.appId && name === oneOff.dyno),
    ...(service ? [service] : []),
  ]
  await Promise.all(those.map(({ id }) => engine.endExec(id, oneOff.id)))
}

/** While a release is replaced there are two of a name: the newer one. @throws not_found */
async function runningDyno({ engine }: ExecDeps, { appId, dyno: name }: Joining): Promise<Dyno> {
  const dynos = await engine.listDynos({ appId })
  const running = dynos.filter((dyno) => dyno.name === name && dyno.state.kind === 'running')
  const newest = running.toSorted((a, b) => b.release - a.release)[0]
  if (newest) return newest
  throw new PaasError('not_found', `${name} is not running.`, { hint: 'See why with: paas ps' })
}
