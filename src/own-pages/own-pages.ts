import { Semaphore } from 'async-mutex'
import type { Config } from '../config.ts'
import { asPaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { AppId } from '../model/ids.ts'
import { markOfAddress, pageAddresses, pageVars, type OwnPage, type PageKind } from '../model/own-page.ts'
import { shutdown } from '../model/stop-reasons.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Store } from '../store/store.ts'
import { fetchPage } from './fetch-page.ts'
import { PageFiles } from './page-files.ts'

type Options = {
  config: { paths: Pick<Config['paths'], 'pages'> }
  store: Pick<Store, 'configVars' | 'ownPages'>
  outbound: Outbound
  platformLog: Pick<PlatformLog, 'api'>
  log: Logger
}

type Wanted = { kind: PageKind; url: string }

/** Pages fetched at once. */
const mostFetches = 4
/** Milliseconds until what failed is tried again, at the next look. */
const pause = 300_000

/**
 * Fetches the pages that apps show in place of the router's: once, when a config var is set or
 * changed. What is there is shown until another has come.
 */
export class OwnPages implements AsyncDisposable {
  readonly #own: Options
  readonly #files: PageFiles
  readonly #stopping = new AbortController()
  readonly #turn = new Semaphore(mostFetches)
  readonly #busy = new Map<AppId, Promise<void>>()
  #converge: (appId: AppId) => Promise<void> = () => Promise.resolve()

  constructor(options: Options) {
    this.#own = options
    this.#files = new PageFiles(options.config.paths.pages)
  }

  /** @param converge makes an app's route anew */
  begin(converge: (appId: AppId) => Promise<void>): void {
    this.#converge = converge
    this.tidy()
  }

  /**
   * Compares what an app's config vars name with what there is. What is named no more goes at once;
   * what has to be fetched comes later, with a converge of the app.
   */
  look(appId: AppId): void {
    const { store } = this.#own
    const records = store.ownPages.list(appId)
    const wanted = pageAddresses(store.configVars.get(appId))
    const unwanted = records.filter(({ kind }) => !wanted.some((one) => one.kind === kind))
    for (const { kind } of unwanted) store.ownPages.remove(appId, kind)
    if (unwanted.length > 0) this.tidy()
    const due = wanted.filter((one) => this.#isDue(one, records))
    if (due.length === 0 || this.#busy.has(appId) || this.#stopping.signal.aborted) return
    const fetched = this.#fetchAll(appId, due).finally(() => this.#busy.delete(appId))
    this.#busy.set(appId, fetched)
    // The converge looks again: what changed meanwhile is due then.
    void fetched.then(() => this.#shown(appId))
  }

  /** Removes the files that no app shows any more. */
  tidy(): void {
    const { store, log } = this.#own
    try {
      this.#files.keepOnly(store.ownPages.contents())
    } catch (cause) {
      log.warn({ err: cause }, 'pages that nobody shows stay on the disk')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(shutdown)
    await Promise.all(this.#busy.values())
  }

  #isDue({ kind, url }: Wanted, records: OwnPage[]): boolean {
    const record = records.find((one) => one.kind === kind)
    if (record === undefined || record.asked !== markOfAddress(url)) return true
    const lacks = record.problem !== null || (record.shown !== null && !this.#files.has(record.shown.content))
    return lacks && Date.now() - record.askedAt.getTime() >= pause
  }

  async #shown(appId: AppId): Promise<void> {
    if (this.#stopping.signal.aborted) return
    await this.#converge(appId)
    this.tidy()
  }

  async #fetchAll(appId: AppId, due: Wanted[]): Promise<void> {
    await Promise.all(due.map((one) => this.#turn.runExclusive(() => this.#fetch(appId, one))))
  }

  async #fetch(appId: AppId, { kind, url }: Wanted): Promise<void> {
    const { store, outbound, platformLog, log } = this.#own
    const { signal } = this.#stopping
    const asked = markOfAddress(url)
    try {
      const html = Buffer.from(await fetchPage(outbound, url, signal))
      store.ownPages.show(appId, kind, { asked, ...this.#files.keep(html), fetchedAt: new Date() })
      platformLog.api(appId, `${pageVars[kind]} fetched, ${html.length} bytes`)
    } catch (cause) {
      if (signal.aborted) return
      log.warn({ app: appId, kind, err: cause }, 'no page')
      this.#recordFailure(appId, kind, { asked, problem: asPaasError(cause).message })
    }
  }

  #recordFailure(appId: AppId, kind: PageKind, failure: { asked: string; problem: string }): void {
    const { store, platformLog, log } = this.#own
    try {
      const before = store.ownPages.list(appId).find((one) => one.kind === kind)
      store.ownPages.fail(appId, kind, failure)
      if (before?.problem === failure.problem && before.asked === failure.asked) return
      const text = `${pageVars[kind]} was not fetched. ${failure.problem} To try again: paas pages:refresh`
      platformLog.api(appId, text)
    } catch (cause) {
      log.warn({ app: appId, kind, err: cause }, 'not recorded; its app may be gone')
    }
  }
}
