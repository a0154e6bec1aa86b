import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../log.ts'
import type { Challenge } from './acme/order.ts'
import type { Dns } from './dns.ts'
import type { RecordSetter } from './records/setter.ts'
import { CertificateTrouble } from './trouble.ts'

/** Milliseconds until a record is seen at most, and between two looks. */
const patience = { total: 180_000, between: 1_000 }

/** Milliseconds before each try to take a record away: a name server may be away for a moment. */
const pausesBeforeUnset = [0, 1_000, 5_000]

type ProveDeps = {
  dns: Pick<Dns, 'texts' | 'alias'>
  records: RecordSetter
  log: Pick<Logger, 'warn'>
  signal: AbortSignal
}

/**
 * Sets the records that prove names, and waits until the DNS has them. A name may be another name
 * for one that the operator can set: then that is set.
 * @returns what takes them away again
 */
export async function proveByDns(deps: ProveDeps, challenges: Challenge[]): Promise<AsyncDisposable> {
  await using set = new AsyncDisposableStack()
  for (const { name, value } of challenges) {
    const own = `_acme-challenge.${name}`
    const place = (await deps.dns.alias(own).catch(() => undefined))?.toLowerCase() ?? own
    // Before it is set: what does not answer in time may have set it nevertheless.
    set.defer(() => unset(deps, place, value))
    await deps.records.set(place, value)
    await untilSeen(deps, own, value)
  }
  return set.move()
}

/** What cannot be unset is left: it proves nothing to anybody once its order is over. */
async function unset({ records, log }: ProveDeps, name: string, text: string): Promise<void> {
  for (const pause of pausesBeforeUnset) {
    await delay(pause)
    try {
      return await records.unset(name, text)
    } catch (cause) {
      log.warn({ err: cause, name }, 'the record of a proof is not taken away yet')
    }
  }
}

async function untilSeen({ dns, signal }: ProveDeps, name: string, text: string): Promise<void> {
  const deadline = performance.now() + patience.total
  while (!(await dns.texts(name).catch((): string[] => [])).includes(text)) {
    if (performance.now() > deadline) {
      const seconds = patience.total / 1000
      throw new CertificateTrouble('dns', `The DNS does not show the record of ${name} ${seconds} s after it was set.`)
    }
    await delay(patience.between, undefined, { signal })
  }
}
