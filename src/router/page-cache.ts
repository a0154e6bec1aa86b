import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pageFile, type PageKind, type RoutePages } from '../model/own-page.ts'
import type { Answer } from './router-error.ts'

/** Bytes of pages that are kept in memory. */
const mostBytes = 8 * 2 ** 20

/** Reads the pages of apps when one is needed, and keeps those that were needed last. */
export class PageCache {
  readonly #directory: string
  readonly #kept = new Map<string, string>()
  #bytes = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  /** The answer with the page of the app in its place, if it has one for that. */
  replace(answer: Answer, pages: RoutePages | undefined): Answer {
    const kind = pages === undefined ? undefined : kindOf(answer)
    const content = kind && pages?.[kind]
    const page = content === undefined ? undefined : this.#find(content)
    return page === undefined ? answer : { ...answer, page }
  }

  /** @returns latin1; undefined where it is not on the disk, as after a restore */
  #find(content: string): string | undefined {
    const page = this.#kept.get(content) ?? this.#read(content)
    if (page === undefined) return undefined
    this.#kept.delete(content)
    this.#kept.set(content, page) // the newest is last
    return page
  }

  #read(content: string): string | undefined {
    try {
      const page = readFileSync(join(this.#directory, pageFile(content)), 'latin1')
      this.#bytes += page.length
      for (const [oldest, { length }] of this.#kept) {
        if (this.#bytes <= mostBytes) break
        this.#kept.delete(oldest)
        this.#bytes -= length
      }
      return page
    } catch {
      return undefined // the router's own page does
    }
  }
}

/** What the app is to blame for, or the server; not what the visitor is. */
function kindOf({ code, status }: Answer): PageKind | undefined {
  if (code === 'H80') return 'maintenance'
  return code !== undefined && status === 503 ? 'error' : undefined
}
