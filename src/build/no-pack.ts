import { cleanLine } from '../model/clean-line.ts'
import { PaasError } from '../errors.ts'
import { describeNearMiss, nearMisses } from './near-misses.ts'
import { buildingPacks, isOurs, packFacts, type PackName } from './packs.ts'

/** What is known of such a source: names in its root, and files of apps in directories. */
export type Undetected = { root: ReadonlySet<string>; appDirectories: readonly string[] }

/** How many names of the root a message has. */
const mostNames = 8
/** Characters of each. */
const longest = 60

/** What a file in the root usually means, and the pack of that language where there is one. */
const meanings: [RegExp, string, string?][] = [
  [/^(Gemfile|Gemfile\.lock|config\.ru|Rakefile|.+\.rb)$/, 'Ruby', 'ruby'],
  [/^(composer\.(json|lock)|artisan|.+\.php)$/, 'PHP', 'php'],
  [/^(mix\.(exs|lock)|.+\.exs?)$/, 'Elixir', 'elixir'],
  [/^(pom\.xml|mvnw|gradlew|(build|settings)\.gradle(\.kts)?|.+\.java)$/, 'Java', 'java'],
  [/^(Cargo\.(toml|lock)|.+\.rs)$/, 'Rust', 'rust'],
  [/^(go\.(mod|sum|work)|.+\.go)$/, 'Go', 'go'],
  [/^(.+\.(cs|fs|vb)proj|.+\.slnx?|global\.json)$/, '.NET', 'dotnet'],
  [/^deno\.(jsonc?|lock)$/, 'Deno', 'deno'],
  [/^bun\.lockb?$/, 'Bun', 'bun'],
  [/^((package-lock|npm-shrinkwrap|tsconfig)\.json|yarn\.lock|pnpm-.+\.yaml|.+\.([cm]?js|tsx?))$/, 'Node.js', 'nodejs'],
  [/^.+\.ipynb$/, 'a Jupyter notebook', 'python'],
  [/^(environment\.ya?ml|setup\.cfg|tox\.ini|.+\.py)$/, 'Python', 'python'],
  [/^.+\.html?$/, 'a static site', 'static'],
  [/^(build\.sbt|.+\.scala)$/, 'Scala'],
  [/^(project\.clj|deps\.edn)$/, 'Clojure'],
  [/^Package\.swift$/, 'Swift'],
  [/^(CMakeLists\.txt|meson\.build|configure(\.ac)?|.+\.(c|cc|cpp))$/, 'C or C++'],
  [/^(stack\.yaml|.+\.cabal)$/, 'Haskell'],
  [/^(pubspec\.yaml)$/, 'Dart'],
  [/^(gleam\.toml)$/, 'Gleam'],
  [/^(rebar\.config)$/, 'Erlang'],
  [/^(shard\.yml)$/, 'Crystal'],
  [/^(cpanfile|Makefile\.PL)$/, 'Perl'],
  [/^(DESCRIPTION|renv\.lock|.+\.(R|Rproj))$/, 'R'],
  [/^(Project\.toml|Manifest\.toml)$/, 'Julia'],
]

/**
 * A pack that was named and cannot build the app, or undefined: none of all can. The hint names
 * what is in the root, what that usually means, and what to do.
 * @param advised what to do instead, where more is known
 */
export function undetected(pack: string | undefined, source: Undetected, advised?: string): PaasError {
  const [nearMiss] = nearMisses(source.root, 'detected').map(describeNearMiss)
  const message = pack === undefined ? 'no buildpack could be detected' : `the buildpack ${pack} cannot build this app`
  const hint =
    advised ?? nearMiss ?? [found(source), ...(pack === undefined ? advice(source) : missing(pack))].join('\n')
  return new PaasError('build_failed', `build failed: ${message}`, { hint })
}

function found({ root }: Undetected): string {
  const names = namesIn(root)
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : ''
  return `The root of the repository has ${names.slice(0, mostNames).join(', ') || 'no files'}${more}.`
}

function namesIn(root: ReadonlySet<string>): string[] {
  return [...root].toSorted().map((name) => cleanLine(name).slice(0, longest))
}

function missing(pack: string): string[] {
  const wants = isOurs(pack) ? ` It looks there for ${wanted(pack)}.` : ''
  return [`What it builds is missing there.${wants} Add it, or correct .buildpacks or: paas buildpacks`]
}

function advice({ root, appDirectories: [path] }: Undetected): string[] {
  const meant = namesIn(root).flatMap(meaningOf).slice(0, 1)
  return [...meant, ...(path === undefined ? [] : [inDirectory(cleanLine(path))]), choices]
}

function inDirectory(path: string): string {
  const directory = path.slice(0, path.lastIndexOf('/'))
  return `${directory} looks like an app (${path}). Push that directory alone: git subtree push --prefix '${directory}' paas main`
}

function meaningOf(name: string): string[] {
  const [, what, pack] = meanings.find(([pattern]) => pattern.test(name)) ?? []
  if (what === undefined) return []
  if (pack !== undefined && isOurs(pack)) return [`${name} looks like ${what}: add ${wanted(pack)}.`]
  return [
    `${name} looks like ${what}, for which paas has no buildpack. Take one from elsewhere, or add a Dockerfile: paas buildpacks:set https://HOST/PACK.git`,
  ]
}

function wanted(pack: PackName): string {
  const names = packFacts[pack].detectedBy.slice(0, 4)
  return names.length === 1 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

const titles = buildingPacks.map((pack) => packFacts[pack].title)
const choices = `paas builds ${titles.join(', ')}, each by files in the root, and what has a Dockerfile. Choose with: paas buildpacks:set NAME (docs/buildpacks.md says what each looks for)`
