// What a lock file says: whether it alone decides what is installed, and which Yarn wrote it.
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

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
/** The text without what it says of the packages of the workspace: `members`, their directories. */
const withoutMembers = {
  npm: (text, members) =>
    text.replace(/"resolved":\s*"([^"]*)",\s*"link":\s*true/g, (link, path) => (members.has(path) ? '' : link)),
  yarn: (text, members) =>
    text.replace(/@workspace:([^"\s,]+)/g, (spec, path) => (isRange(path) || members.has(path) ? '' : spec)),
  pnpm: withoutImporters,
  bun: (text, members) => text.replace(/@workspace:([^"]+)"/g, (spec, path) => (members.has(path) ? '' : spec)),
}
const isRange = (spec) => /^(?:[*^~]|\d)/.test(spec)
const localSpec = /^(?:file|link|portal|git)[:+@]|^\.{0,2}\/|^~\//
/**
 * Archives in the app: package managers take an earlier content of the same name out of their
 * download cache.
 */
const localArchive = /\bfile:\S+\.(?:tgz|tar\.gz|tar)\b/
const dependencyKinds = ['dependencies', 'devDependencies', 'optionalDependencies']
/** Code of the app that changes what a package manager installs. */
const hooks = ['.pnpmfile.cjs', '.pnpmfile.mjs', 'pnpmfile.js', 'binding.gyp']
/** Likewise of a package of a workspace, which may be installed by itself. */
const memberHooks = [...hooks, '.npmrc', '.yarnrc.yml', 'pnpm-lock.yaml']
/**
 * Scripts of the app that run when dependencies are installed; their effect may depend on any file.
 */
export const installScripts = [
  'preinstall',
  'install',
  'postinstall',
  'prepublish',
  'preprepare',
  'prepare',
  'postprepare',
]

/**
 * `decides`: it alone, with the `package.json` of each package of the workspace, says what is in
 * node_modules until install scripts run. Not so with other packages of the app itself, packages
 * from git or patches, and where the app's own code takes part in an install: for a package of a
 * workspace also by its own install scripts, and by a program, which gets a link and may have to
 * be made executable. `hasArchives`: some packages are archives in the app.
 * `members`: the packages of the workspace, each its directory and manifest.
 */
export function readLock(buildDir, file, manager, manifest, members) {
  const text = file === undefined || file === 'bun.lockb' ? '' : readText(buildDir, file)
  const foreign = withoutMembers[manager](text, new Set(members.map(({ path }) => path)))
  const manifests = [manifest, ...members.map((member) => member.manifest)]
  const specs = manifests.flatMap((one) => dependencyKinds.flatMap((key) => Object.values(one[key] ?? {}))).map(String)
  const hasSources = sources[manager].test(foreign) || specs.some((spec) => localSpec.test(spec))
  const hasHooks =
    hooks.some((name) => existsSync(join(buildDir, name))) ||
    /^plugins:/m.test(readText(buildDir, '.yarnrc.yml')) ||
    members.some((member) => takesPart(buildDir, member))
  return {
    decides: text !== '' && !hasSources && !hasHooks,
    hasArchives: localArchive.test(text) || specs.some((spec) => localArchive.test(spec)),
  }
}

function takesPart(buildDir, { path, manifest: { scripts, bin, directories } }) {
  const hasPrograms = bin !== undefined || directories?.bin !== undefined
  const hasScripts = installScripts.some((name) => scripts?.[name] !== undefined)
  return hasPrograms || hasScripts || memberHooks.some((name) => existsSync(join(buildDir, path, name)))
}

/** An importer that is no member, as pnpm calls both, becomes a link: its manifest is not known. */
function withoutImporters(text, members) {
  let section = ''
  let key = '.'
  const lines = text.split(/\r?\n/).map((line) => {
    section = /^(\w+):/.exec(line)?.[1] ?? section
    const [, found] = /^ {2}'?([^\s'][^']*?)'?:(?: \{\})?$/.exec(line) ?? []
    key = found ?? key
    if (section === 'importers' && found !== undefined && found !== '.' && !members.has(found)) return `${line} link:`
    const [, path] = /: '?link:([^']+?)'?$/.exec(line) ?? []
    const isOfMember = /: '?workspace:/.test(line) || (path !== undefined && members.has(posix.join(key, path)))
    return isOfMember ? '' : line
  })
  return lines.join('\n')
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
