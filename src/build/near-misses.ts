/** A file in the root that nobody reads, and the name under which it would be read. */
export type NearMiss = { found: string; name: string }

/** Read in an app of any kind, so that one under another name is always a mistake. */
const readAlways = ['Procfile', 'app.json', '.buildpacks', '.slugignore', 'Dockerfile']

/** What the packs read. */
const readByPacks = [
  'go.mod',
  'go.sum',
  'go.work',
  'package.json',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'requirements.txt',
  'pyproject.toml',
  'uv.lock',
  'poetry.lock',
  'Pipfile',
  'Pipfile.lock',
  'static.json',
]

/**
 * What an app is known by; in one that is known already, the last three may as well be files of its
 * own.
 */
const detectedBy = ['Dockerfile', ...readByPacks, 'setup.py', 'manage.py', 'index.html']

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
