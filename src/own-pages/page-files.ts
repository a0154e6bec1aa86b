import { createHash } from 'node:crypto'
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pageFile } from '../model/own-page.ts'

/** Where the router reads pages. Each is there once, whoever shows it. */
export class PageFiles {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  has(content: string): boolean {
    return existsSync(this.#place(content))
  }

  /** Whole or not at all. */
  keep(html: Buffer): { content: string; bytes: number } {
    const content = createHash('sha256').update(html).digest('hex')
    const draft = `${this.#place(content)}.new`
    writeFileSync(draft, html, { mode: 0o640 })
    renameSync(draft, this.#place(content))
    return { content, bytes: html.length }
  }

  /** Removes all others. */
  keepOnly(contents: string[]): void {
    const kept = new Set(contents.map(pageFile))
    for (const name of readdirSync(this.#directory)) if (!kept.has(name)) rmSync(join(this.#directory, name))
  }

  #place(content: string): string {
    return join(this.#directory, pageFile(content))
  }
}
