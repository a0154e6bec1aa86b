import type { Candidates } from './detect.ts'
import { buildingPacks, hasToolchain, isOurs, packFacts, packNames, packTitled, type PackName } from './packs.ts'

/**
 * Of the packs that will build the app those whose toolchain the build image must have. Which one
 * detects the app first is known by the names in its root before any of them is asked.
 */
export function toolchainsFor({ mode, packs }: Candidates, root: ReadonlySet<string>): PackName[] {
  const ours = packs.filter(isOurs)
  if (mode === 'all') return inOrder(ours)
  const builders = buildingPacks.filter((pack) => ours.includes(pack))
  const known = builders.filter((pack) => packFacts[pack].detectedBy.some((name) => root.has(name)))
  return inOrder(known.slice(0, 1))
}

/** Those that built an app, by what they call it: `Go, Node.js`. */
export function toolchainsOf(buildpack: string): PackName[] {
  return inOrder(buildpack.split(', ').flatMap((title) => packTitled(title) ?? []))
}

/** In one order, however the app names them: an image is known by its packages. */
function inOrder(packs: PackName[]): PackName[] {
  return packNames.filter((name) => packs.includes(name) && hasToolchain(name))
}
