import { packFacts, packNames } from './packs.ts'

/** A file in the root that nobody reads, and the name under which it would be read. */
export type NearMiss = { found: string; name: string }

/** Read in an app of any kind, so that one under another name is always a mistake. */
const readAlways = ['Procfile', 'app.json', '.buildpacks', '.slugignore', 'Dockerfile']

/** What the packs read. */
const readByPacks = packNames.flatMap((pack) => packFacts[pack].reads)

/**
 * What an app is known by. In one that is known already, some of them may as well be files of its
 * own.
 */
const detectedBy = [
  ...new Set(['Dockerfile', ...readByPacks, ...packNames.flatMap((pack) => packFacts[pack].detectedBy)]),
]

/** Mistyped so often that they are known; lower case. */
const mistyped = new Map([
  ['procfile.yml', 'Procfile'],
  ['requirement.txt', 'requirements.txt'],
])

/**
 * Files whose name differs from one that is looked for in case only, or by a `.txt` that an editor
 * added, when the right one is not there.
 * @param root names in the root of the source
 * @param of `read`: what is read in an app that can be built; `detected`: what an app is known by
 */
export function nearMisses(root: ReadonlySet<string>, of: 'read' | 'detected'): NearMiss[] {
  const names = of === 'read' ? [...readAlways, ...readByPacks] : detectedBy
  const missing = names.filter((name) => !root.has(name))
  return [...root].flatMap((found) => {
    const name = missing.find((candidate) => !names.includes(found) && isNear(found.toLowerCase().trim(), candidate))
    return name === undefined ? [] : [{ found, name }]
  })
}

function isNear(found: string, name: string): boolean {
  const wanted = name.toLowerCase()
  return found === wanted || found === `${wanted}.txt` || mistyped.get(found) === name
}

/** One sentence, and what to type. */
export function describeNearMiss({ found, name }: NearMiss): string {
  return `${found} is ignored: its name must be ${name}. Rename it: git mv '${found}' ${name}`
}
