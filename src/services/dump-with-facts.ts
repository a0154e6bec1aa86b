import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import { asPaasError, PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import type { Service } from '../model/service.ts'
import { addonFacts, addonPosition, dumpAddon, startBeside, type DumpDeps } from './dumps.ts'

type Of = { addon: Pick<Addon, 'id' | 'name'>; service: Pick<Service, 'scripts'> }
type Dumping<T> = { session: string; store: (dump: Readable) => Promise<T> }

/**
 * What is in a dump, as `facts` has it. `untold`: why nobody can say. `position`: what the service
 * said before, if it does, which is another after anything was written.
 */
export type Inside = { facts: string[] | null; untold?: string; position?: string }

/**
 * Dumps an add-on and says what is in the dump: of the same snapshot where the service can, else of
 * before and after, unless somebody wrote in between.
 * @param session what ends all that it runs, whoever started it
 * @param store takes the dump, to its end
 * @throws dump_failed, and what `store` throws
 */
export async function dumpWithFacts<T>(
  deps: DumpDeps,
  { addon, service }: Of,
  { session, store }: Dumping<T>,
  signal: AbortSignal,
): Promise<Inside & { stored: T }> {
  const has = (program: string): boolean => service.scripts.includes(program)
  const dump = (env = {}): Promise<Readable> => dumpAddon(deps, addon, signal, { session, env })
  const look = async (env = {}): Promise<Inside> => {
    try {
      const position = has('position') ? await addonPosition(deps, addon, signal, { session }) : undefined
      const facts = await addonFacts(deps, addon, signal, { session, env })
      return { facts, ...(position !== undefined && { position }) }
    } catch (cause) {
      signal.throwIfAborted()
      return { facts: null, untold: `what is inside could not be noted: ${asPaasError(cause).message}` }
    }
  }
  if (!has('facts')) return { stored: await store(await dump()), facts: null }
  if (has('snapshot')) {
    await using snapshot = await openSnapshot(deps, addon, session, signal)
    const inside = await look(snapshot.env)
    return { stored: await store(await dump(snapshot.env)), ...inside }
  }
  const before = await look()
  const stored = await store(await dump())
  return { stored, ...sameOf(before, await look()) }
}

/** What changed while it was dumped says nothing of the dump. */
function sameOf(before: Inside, after: Inside): Inside {
  if (isDeepStrictEqual(before, after)) return before
  const changed = 'what is inside changed meanwhile: a proof restores it, and compares nothing'
  return { ...before, facts: null, untold: before.untold ?? after.untold ?? changed }
}

/** Held until disposal, which ends its program's input. */
async function openSnapshot(
  deps: DumpDeps,
  addon: Of['addon'],
  session: string,
  signal: AbortSignal,
): Promise<AsyncDisposable & { env: Record<string, string> }> {
  const { input, output, ended } = await startBeside(deps, addon, { program: 'snapshot', session }, signal)
  const lines = createInterface({ input: output })[Symbol.asyncIterator]()
  const { value: name } = (await lines.next()) as IteratorResult<string, undefined>
  if (name === undefined || !/^[\w-]{1,100}$/.test(name)) {
    output.destroy()
    const { said } = await ended()
    const reason = said.trim().split('\n').at(-1)?.slice(0, 500)
    throw new PaasError('dump_failed', `${addon.name} gave no snapshot: ${reason || 'its program said nothing.'}`)
  }
  const end = async (): Promise<void> => {
    input.end()
    for await (const _ of { [Symbol.asyncIterator]: () => lines }) continue
    await ended()
  }
  // Whether what was read of it is whole, those say who have read it.
  return { env: { SNAPSHOT: name }, [Symbol.asyncDispose]: () => end().catch(() => undefined) }
}
