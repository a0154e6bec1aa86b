// What a lock file says: whether it alone decides what is installed, and which Yarn wrote it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Where a package comes from that a lock file does not have the content of: the app itself, or git,
 * whose packages are built when fetched.
 */
const sources = {
  npm: /"link":\s*true|"(?:resolved|version)":\s*"(?:file:|git|github:)/,
  yarn: /[@"](?:file|link|portal|exec|git|ssh):|@workspace:(?!\.["\s,])|@patch:(?!.*builtin<)|git\+|github:|\.git[#"]|codeload\.github\.com|@\.{0,2}\//,
  pnpm: /: '?(?:link|file|workspace):|\{directory:|type: (?:git|directory)|git\+|codeload\.github\.com|gitlab\.com|bitbucket\.org|^patchedDependencies:/m,
  bun: /@(?:workspace|file|link|root|github|gitlab|bitbucket|git):|@git\+|@\.{0,2}\/|"patchedDependencies":/,
}
const localSpec = /^(?:file|link|portal|workspace|git)[:+@]|^\.{0,2}\/|^~\//
/**
 * Archives in the app: package managers take an earlier content of the same name out of their
 * download cache.
 */
const localArchive = /\bfile:\S+\.(?:tgz|tar\.gz|tar)\b/
const dependencyKinds = ['dependencies', 'devDependencies', 'optionalDependencies']
/** Code of the app that changes what a package manager installs. */
const hooks = ['.pnpmfile.cjs', '.pnpmfile.mjs', 'pnpmfile.js', 'binding.gyp']

/**
 * `decides`: it alone says what is in node_modules until install scripts run. Not so with packages
 * of the app itself, its workspaces, packages from git or patches, and where the app's own code
 * takes part in an install. `hasArchives`: some packages are archives in the app.
 */
export function readLock(buildDir, file, manager, manifest) {
  const text = file === undefined || file === 'bun.lockb' ? '' : readText(buildDir, file)
  const specs = dependencyKinds.flatMap((key) => Object.values(manifest[key] ?? {})).map(String)
  const hasSources = sources[manager].test(text) || specs.some((spec) => localSpec.test(spec))
  const hasHooks =
    hooks.some((name) => existsSync(join(buildDir, name))) || /^plugins:/m.test(readText(buildDir, '.yarnrc.yml'))
  return {
    decides: text !== '' && !hasSources && !hasHooks && !hasWorkspaces(buildDir, manifest),
    hasArchives: localArchive.test(text) || specs.some((spec) => localArchive.test(spec)),
  }
}

/** pnpm-workspace.yaml may as well hold nothing but settings. */
export function hasWorkspaces(buildDir, manifest) {
  return manifest.workspaces !== undefined || /^packages:/m.test(readText(buildDir, 'pnpm-workspace.yaml'))
}

/**
 * The versions of Yarn or pnpm that neither refuse nor rewrite the lock file: each version of
 * Yarn's format is one series of releases' (`LOCKFILE_VERSION` in its Project.ts), Yarn 1 has none.
 * What `engines` asks for counts if it lies within.
 */
export function managerRange(buildDir, manager, asked, semver) {
  const fitting = manager === 'yarn' ? yarnRange(buildDir) : manager === 'pnpm' ? pnpmRange(buildDir) : '*'
  if (asked !== '' && semver.subset(asked, fitting)) return asked
  return { '>=9': '10', '6 || 7': '7' }[fitting] ?? fitting
}

function yarnRange(buildDir) {
  const [, version] =
    /^__metadata:\n\s+version: (\d+)/m.exec(readText(buildDir, 'yarn.lock').replaceAll('\r', '')) ?? []
  if (version === undefined) return '1'
  if (version <= 4) return '2'
  if (version <= 6) return version === '5' ? '~3.1' : '3'
  if (version <= 9) return version === '9' ? '~4.14' : '>=4.0.0 <4.14.0'
  return '4'
}

function pnpmRange(buildDir) {
  const [, version] = /^lockfileVersion: '?(\d+)/m.exec(readText(buildDir, 'pnpm-lock.yaml')) ?? []
  return { 5: '6 || 7', 6: '8' }[version] ?? '>=9'
}

function readText(buildDir, file) {
  const path = join(buildDir, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
