import { wasBrokenOff } from '../backups/history.ts'
import type { Config } from '../config.ts'
import { everyDay } from '../every-day.ts'
import { runBeside } from './beside.ts'
import type { ServerLog } from './server-log.ts'
import { sayNote } from './terminal.ts'

type Options = { config: Pick<Config, 'backup' | 'paths'>; rolesDirectory: string; env: NodeJS.ProcessEnv }

/** What `main/backup.ts` ends with where the backup counts, and says that it lacks something. */
export const incomplete = 3

/**
 * Backs the server up once a day, in a process of its own, which runs as the user that started the
 * server: no role may read the files of all. Disposal ends a backup under way, and the next server
 * makes it again.
 */
export function backUpDaily({ config, rolesDirectory, env }: Options, log: Pick<ServerLog, 'fd' | 'path'>): Disposable {
  const at = config.backup?.at
  if (!at) return new DisposableStack()
  const stop = new AbortController()
  const begin = async (): Promise<void> => {
    const code = await runBeside({ name: 'backup' }, { rolesDirectory, env, log }, stop.signal)
    if (code === 0 || stop.signal.aborted) return
    const what = code === incomplete ? 'is not complete' : 'failed'
    sayNote('backup', `${what}; see: paas server:backups, and ${log.path}`)
  }
  const daily = everyDay(at, () => void begin())
  // A history that cannot be read is told of by whoever makes the next backup.
  const again = wasBrokenOff(config.paths.backups).catch(() => false)
  void again.then((isWanted) => (isWanted && !stop.signal.aborted ? begin() : undefined))
  return {
    [Symbol.dispose]: () => {
      daily[Symbol.dispose]()
      stop.abort()
    },
  }
}
