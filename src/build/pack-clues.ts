import { TextSearch } from './text-search.ts'

/** Of shells: the program is not there. */
const notFound = 127

/** What a build printed that tells why a pack failed, where the pack itself does not. */
export class PackClues {
  readonly #full = new TextSearch('No space left on device', 'no space left on device')
  readonly #unreached = new TextSearch(
    'Could not resolve host',
    'Temporary failure in name resolution',
    'Failed to connect to',
    'Connection timed out',
  )
  readonly #unloaded = new TextSearch('error while loading shared libraries')

  feed(chunk: Buffer): void {
    for (const search of [this.#full, this.#unreached, this.#unloaded]) search.feed(chunk)
  }

  get foundDiskFull(): boolean {
    return this.#full.found
  }

  /** What to do about a pack of somebody else, where it is known. */
  hint({ code }: { code: number }): string | undefined {
    if (this.#unreached.found)
      return 'A host that it downloads from was not reached; the lines above name it. Check that it still exists, and ask the operator whether builds reach it.'
    if (this.#unloaded.found || code === notFound)
      return 'A program or library that it needs is not in the build image. Name its Debian package in a file Aptfile, and install that first: paas buildpacks:add --index 1 apt'
    return undefined
  }
}
