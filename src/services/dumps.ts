import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { Engine, ServiceStream } from '../engine/engine.ts'
import { asPaasError, PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import type { AddonId } from '../model/ids.ts'
import type { Service } from '../model/service.ts'
import { programsAt } from './image.ts'
import { hasArchive } from './spec.ts'

export type DumpDeps = { engine: Pick<Engine, 'listServices' | 'streamInService'> }
type SettlingDeps = { engine: Pick<Engine, 'listServices' | 'execInService' | 'endExec'> }
type Whose = Pick<Addon, 'id' | 'name'>
/** `session`: what ends the program whoever started it; `env`: beside that of the service. */
type Beside = { session?: string; env?: Record<string, string> }

/** Whether add-ons of a service can be backed up by dumps. */
export function canBeDumped({ data, scripts }: Pick<Service, 'data' | 'scripts'>): boolean {
  return data && scripts.includes('dump')
}

/** Whether a dump of an add-on of that service can be put into one. */
export function canBeCopied({ scripts }: Pick<Service, 'scripts'>): boolean {
  return ['dump', 'load'].every((name) => scripts.includes(name))
}

/** Whether what a service has of backups can be restored, so that a proof finds something. */
export function canBeProven(service: Pick<Service, 'data' | 'scripts'>): boolean {
  return hasArchive(service) || (canBeDumped(service) && canBeCopied(service))
}

/**
 * A portable copy of what an add-on holds, as its service's `dump` writes it, no faster than it is
 * read. It ends only if it is whole.
 * @throws dump_failed, also by the stream
 */
export async function dumpAddon(
  deps: DumpDeps,
  addon: Whose,
  signal: AbortSignal,
  how: Beside = {},
): Promise<Readable> {
  const running = await startBeside(deps, addon, { program: 'dump', ...how }, signal)
  running.input.end()
  return Readable.from(whole(running, addon), { objectMode: false })
}

async function* whole({ output, ended }: ServiceStream, { name }: Whose): AsyncGenerator<Buffer> {
  for await (const chunk of output) yield chunk as Buffer
  const { code, said } = await ended()
  if (code !== 0) throw failure(`${name} could not be dumped`, { code, said })
}

/**
 * Puts such a copy in the place of what an add-on holds. A copy that breaks off, with its own
 * error, or that cannot be loaded leaves what was there.
 * @param id what `settleLoad` knows this load by
 * @returns what was left out of it
 * @throws dump_unusable
 */
export async function loadAddon(
  deps: DumpDeps,
  addon: Whose,
  { copy, id = randomUUID() }: { copy: Readable; id?: string },
  signal: AbortSignal,
): Promise<string[]> {
  const broken = new AbortController()
  const either = AbortSignal.any([signal, broken.signal])
  // From here on: it may break off before anybody reads it.
  copy.on('error', (cause) => broken.abort(cause))
  if (copy.errored) broken.abort(copy.errored)
  const { input, output, ended } = await startBeside(
    deps,
    addon,
    { program: 'load', session: id, env: { LOAD_ID: id } },
    either,
  )
  copy.once('close', () => {
    if (!copy.readableEnded && !input.destroyed) broken.abort(cutOff(addon))
  })
  // A program may have seen enough before the end; its exit code tells.
  const passed = pipeline(copy, input).catch(() => undefined)
  const printed = await text(output)
  const { code, said } = await ended()
  await passed
  if (code !== 0) throw new PaasError('dump_unusable', `${addon.name} was not loaded: ${reasonOf({ code, said })}`)
  return printed.split('\n').flatMap((line) => /^warning: (.*)/.exec(line)?.[1] ?? [])
}

function cutOff({ name }: Whose): PaasError {
  return new PaasError('dump_unusable', `${name} was not loaded: the dump was cut off on its way.`)
}

/** Ends what a transfer runs beside an add-on, if it does: nobody reads or feeds it any more. */
export async function endBeside(
  { engine }: Pick<SettlingDeps, 'engine'>,
  { addonId, id }: { addonId: AddonId; id: string },
): Promise<void> {
  const [container] = await engine.listServices({ addonId })
  if (container?.state.kind === 'running') await engine.endExec(container.id, id)
}

/**
 * Ends a load that nobody feeds any more.
 * @returns whether all of it was in place before; undefined while the add-on does not answer, which
 *   may have it to write down yet
 * @throws engine_unavailable: what it runs goes on without the engine
 */
export async function settleLoad(
  deps: SettlingDeps,
  { addonId, id }: { addonId: AddonId; id: string },
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const { engine } = deps
  await endBeside(deps, { addonId, id })
  const [container] = await engine.listServices({ addonId })
  if (container?.state.kind !== 'running') return undefined
  const ask = (argv: string[]) => engine.execInService(container.id, { argv }, signal)
  if ((await ask([`${programsAt}/health`])).code !== 0) return undefined
  const { code, output } = await ask(['/bin/cat', '/data/loaded'])
  return code === 0 && output === id
}

/**
 * What an add-on holds, as sorted lines: a name, a count and perhaps a checksum, with tabs between.
 * Copies of the same have the same.
 * @throws dump_failed
 */
export async function addonFacts(
  deps: DumpDeps,
  addon: Whose,
  signal: AbortSignal,
  how: Beside = {},
): Promise<string[]> {
  const what = `What ${addon.name} holds could not be read`
  const printed = await printedBy(deps, addon, { program: 'facts', what, ...how }, signal)
  return printed.split('\n').filter((line) => line !== '')
}

/** What is another after anything was written. @throws dump_failed */
export async function addonPosition(
  deps: DumpDeps,
  addon: Whose,
  signal: AbortSignal,
  how: Beside = {},
): Promise<string> {
  const what = `Whether ${addon.name} was written could not be read`
  return (await printedBy(deps, addon, { program: 'position', what, ...how }, signal)).trim().slice(0, 200)
}

/** @param asked `what` is said of it when it fails */
async function printedBy(
  deps: DumpDeps,
  addon: Whose,
  { what, ...asked }: Beside & { program: string; what: string },
  signal: AbortSignal,
): Promise<string> {
  const { input, output, ended } = await startBeside(deps, addon, asked, signal)
  input.end()
  const printed = await text(output)
  const { code, said } = await ended()
  if (code === 0) return printed
  throw failure(what, { code, said })
}

/**
 * Starts a program of the service beside it.
 * @throws dump_failed for one that does not run
 */
export async function startBeside(
  { engine }: DumpDeps,
  { id, name }: Whose,
  { program, ...more }: Beside & { program: string },
  signal: AbortSignal,
): Promise<ServiceStream> {
  const [container] = await engine.listServices({ addonId: id })
  if (container?.state.kind !== 'running') throw notRunning(name)
  try {
    return await engine.streamInService(container.id, { argv: [`${programsAt}/${program}`], ...more }, signal)
  } catch (cause) {
    if (asPaasError(cause).code !== 'not_found') throw cause
    throw notRunning(name, cause)
  }
}

function notRunning(name: string, cause?: unknown): PaasError {
  return new PaasError('dump_failed', `${name} is not running.`, { cause })
}

/** Why something with an add-on ended, where nobody answers any more. */
export function awayInTheMidst(name: string): string {
  return `Docker or ${name} went away in the midst of it.`
}

type Exit = { code: number; said: string }

function failure(what: string, exit: Exit): PaasError {
  return new PaasError('dump_failed', `${what}: ${reasonOf(exit)}`)
}

/** The last line that a program wrote to stderr. */
function reasonOf({ code, said }: Exit): string {
  const line = said.trim().split('\n').at(-1)?.slice(0, 500)
  return line ? line.replace(/([^.])$/, '$1.') : `its program exited with ${code}.`
}
