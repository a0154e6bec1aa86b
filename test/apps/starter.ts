import type { PackName } from '../../src/build/packs.ts'

/** An app that nobody here wrote, as its own project's generator or quick start makes it, and what tells that it is served. */
export type Starter = {
  name: string
  /** The one that builds it; the script runs where its toolchain is. */
  pack: PackName
  /** Debian packages that the developer's machine has besides. */
  packages?: string[]
  /** bash: makes the app in the current directory, with the package registries at hand. */
  script: string
  /** What is asked for, and what the body of the answer must match. */
  path: string
  expected: RegExp
  /** Parts of it are still starting when it gives its first answer, and the page says so. */
  startsOn?: true
  /** Pushed by `npm run test:slow` too, not by `npm run test:apps` alone. */
  always?: true
}
