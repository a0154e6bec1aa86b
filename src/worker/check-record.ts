import type { Store } from '../store/store.ts'

const hour = 3600 * 1000
const day = 24 * hour

/**
 * Has the database look at all of its file once a day, at an hour when nothing is built: it keeps
 * the worker from all else meanwhile.
 */
export function checkRecord(store: Pick<Store, 'check' | 'builds'>): Disposable {
  let last = Date.now() // opening the database checked it
  const look = (): void => {
    if (Date.now() - last < day || store.builds.listUnfinished().length > 0) return
    last = Date.now()
    store.check()
  }
  const timer = setInterval(look, hour).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
