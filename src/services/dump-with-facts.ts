import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import type { Service } from '../model/service.ts'
import { addonFacts, dumpAddon, startBeside, type DumpDeps } from './dumps.ts'

type Of = { addon: Pick<Addon, 'id' | 'name'>; service: Pick<Service, 'scripts'> }
type Dumping<T> = { session: string; store: (dump: Readable) => Promise<T> }

/**
 * Dumps an add-on and says what is in the dump, as `facts` has it: of the same snapshot where the
 * service can, else of before and after; null where somebody wrote in between, or nobody can say.
 * @param session what ends all that it runs, whoever started it
 * @param store takes the dump, to its end
 * @throws dump_failed, and what `store` throws
 */
export async function dumpWithFacts<T>(
  deps: DumpDeps,
  { addon, service }: Of,
  { session, store }: Dumping<T>,
  signal: AbortSignal,
): Promise<{ stored: T; facts: string[] | null }> {
  const has = (program: string): boolean => service.scripts.includes(program)
  const dump = (env = {}): Promise<Readable> => dumpAddon(deps, addon, signal, { session, env })
  const factsNow = (env = {}): Promise<string[]> => addonFacts(deps, addon, signal, { session, env })
  if (!has('facts')) return { stored: await store(await dump()), facts: null }
  if (has('snapshot')) {
    await using snapshot = await openSnapshot(deps, addon, session, signal)
    const facts = await factsNow(snapshot.env)
    return { stored: await store(await dump(snapshot.env)), facts }
  }
  const before = await factsNow()
  const stored = await store(await dump())
  const after = await factsNow()
  return { stored, facts: after.join('\n') === before.join('\n') ? after : null }
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
