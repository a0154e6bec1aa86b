import { brokenOff, failureOf, listBackups } from '../backups/history.ts'
import type { Config } from '../config.ts'
import { asPaasError, isBeside } from '../errors.ts'
import { everyDay, wasMissed } from '../every-day.ts'
import { pausesOfADay, retry } from '../retry.ts'
import { runBeside } from './beside.ts'
import type { ServerLog } from './server-log.ts'
import { sayNote } from './terminal.ts'

type Options = { config: Pick<Config, 'backup' | 'paths'>; rolesDirectory: string; env: NodeJS.ProcessEnv }

/** What `main/backup.ts` ends with where the backup counts, and says that it lacks something. */
export const incomplete = 3

/** Milliseconds until a backup is made again that something kept from being made which passes. */
const pause = (failures: number): number => Math.min(pausesOfADay.first * 2 ** (failures - 1), pausesOfADay.most)

/**
 * Backs the server up once a day, in a process of its own, which runs as the user that started the
 * server: no role may read the files of all. One that Docker or the target was not there for is
 * made again, until the next day. Disposal ends a backup under way; the next server makes it again,
 * and one that was missed while there was none.
 */
export function backUpDaily({ config, rolesDirectory, env }: Options, log: Pick<ServerLog, 'fd' | 'path'>): Disposable {
  const at = config.backup?.at
  if (!at) return new DisposableStack()
  const stop = new AbortController()
  let turn = new AbortController()
  const backUp = async (): Promise<void> => {
    const code = await runBeside({ name: 'backup' }, { rolesDirectory, env, log }, stop.signal)
    if (code === 0 || stop.signal.aborted) return
    const what = code === incomplete ? 'is not complete' : 'failed'
    sayNote('backup', `${what}; see: paas server:backups, and ${log.path}`)
    const [newest] = await listBackups(config.paths.backups)
    const failure = newest && failureOf(newest)
    if (failure) throw failure
  }
  const begin = (): void => {
    turn.abort()
    turn = new AbortController()
    const signal = AbortSignal.any([turn.signal, stop.signal])
    const onFailure = (thrown: unknown): void => {
      if (!isBeside(asPaasError(thrown))) throw thrown
    }
    // The terminal was told already; a history that cannot be read fails each backup.
    retry(backUp, { onFailure, pause, signal }).catch(() => undefined)
  }
  const daily = everyDay(at, begin)
  void listBackups(config.paths.backups)
    .catch(() => [])
    .then(([newest]) => {
      const isWanted = newest && (failureOf(newest)?.message === brokenOff || wasMissed(at, new Date(newest.startedAt)))
      if (isWanted && !stop.signal.aborted) begin()
    })
  return {
    [Symbol.dispose]: () => {
      daily[Symbol.dispose]()
      stop.abort()
    },
  }
}
