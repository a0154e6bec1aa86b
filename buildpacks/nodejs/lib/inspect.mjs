// inspect.mjs BUILD_DIR NPM_DIR: prints what the pack must know about an app, as shell assignments.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, normalize } from 'node:path'
import { hasWorkspaces, managerRange, readLock } from './lock.mjs'

const [buildDir, npmDir] = process.argv.slice(2)
const semver = createRequire(join(npmDir, 'package.json'))('semver')

/** Files that say which package manager an app uses, and which one. */
const lockFiles = {
  'package-lock.json': 'npm',
  'npm-shrinkwrap.json': 'npm',
  'yarn.lock': 'yarn',
  'pnpm-lock.yaml': 'pnpm',
}
/** Directories that build tools keep from one build to the next. */
const usualToolCaches = ['.next/cache', '.nuxt/cache', 'node_modules/.cache', 'node_modules/.vite']
/** Scripts of the app that may need development dependencies while it is built. */
const buildScripts = ['heroku-prebuild', 'heroku-postbuild', 'build']
/**
 * Scripts of the app that run when dependencies are installed; their effect may depend on any file.
 */
const installScripts = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare']
/** What other tools take the version of Node.js from. */
const versionFiles = ['.nvmrc', '.node-version']
/** What of package.json decides which dependencies are installed. */
const dependencyFields = [
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
  'bundleDependencies',
  'bundledDependencies',
  'overrides',
  'resolutions',
  'pnpm',
  'allowScripts',
]

const manifest = readManifest()
const scripts = objectAt(manifest, 'scripts')
const engines = objectAt(manifest, 'engines')
const locks = Object.keys(lockFiles).filter((file) => existsSync(join(buildDir, file)))
const [manager, managerVersion] = packageManager()
const nodeRange = rangeAt('node')
const npmVersion = readJson(join(npmDir, 'package.json')).version
const npmRange = rangeAt('npm')
const lock = readLock(buildDir, locks[0], manager, manifest)

print({
  node_range: nodeRange,
  node_built_in: nodeRange === '' || semver.satisfies(process.versions.node, nodeRange) ? process.versions.node : '',
  npm_of_stack_version: npmVersion,
  npm_range: npmRange,
  npm_built_in: npmRange === '' || semver.satisfies(npmVersion, npmRange) ? npmVersion : '',
  manager,
  manager_version: managerVersion,
  lock_file: locks[0] ?? '',
  lock_files: locks.join(' and '),
  lock_managers: new Set(locks.map((file) => lockFiles[file])).size,
  lock_decides: lock.decides ? 'yes' : '',
  lock_has_archives: lock.hasArchives ? 'yes' : '',
  dependencies: ['dependencies', 'optionalDependencies', 'devDependencies', 'peerDependencies']
    .map(count)
    .reduce((a, b) => a + b),
  dependencies_digest: digest(dependencyFields.map((field) => manifest[field])),
  dev_dependencies: count('devDependencies'),
  workspaces: hasWorkspaces(buildDir, manifest) ? 'yes' : '',
  build_script: scripts['heroku-postbuild'] !== undefined ? 'heroku-postbuild' : scripts.build ? 'build' : '',
  prebuild_script: scripts['heroku-prebuild'] === undefined ? '' : 'heroku-prebuild',
  cleanup_script: scripts['heroku-cleanup'] === undefined ? '' : 'heroku-cleanup',
  install_scripts: ownInstallScripts().join(' '),
  needs_dev: [...buildScripts, ...installScripts].some((name) => scripts[name] !== undefined) ? 'yes' : '',
  tool_caches: toolCaches().join('\n'),
  advice: advice().join('\n'),
  start_script: scripts.start === undefined && !existsSync(join(buildDir, 'server.js')) ? '' : 'start',
})

function readManifest() {
  const value = readJson(join(buildDir, 'package.json'))
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value
  return refuse('package.json is not an object')
}

function readJson(path) {
  const text = readFileSync(path, 'utf8')
  if (text.includes('\0')) return refuse('package.json is in UTF-16; save it as UTF-8')
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    return refuse(`package.json is not JSON: ${error.message}`)
  }
}

function objectAt(parent, key) {
  const value = parent[key] ?? {}
  return typeof value === 'object' && !Array.isArray(value)
    ? value
    : refuse(`"${key}" in package.json is not an object`)
}

/** Those to run, in order: what belongs before and after another is run with it. */
function ownInstallScripts() {
  const around = { install: ['preinstall', 'postinstall'], prepare: ['preprepare', 'postprepare'] }
  const included = Object.keys(around).flatMap((name) => (scripts[name] === undefined ? [] : around[name]))
  return installScripts.filter((name) => scripts[name] !== undefined && !included.includes(name))
}

function count(key) {
  return Object.keys(objectAt(manifest, key)).length
}

function digest(value) {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}

function rangeAt(key) {
  const range = engines[key] ?? ''
  if (range === '' || (typeof range === 'string' && semver.validRange(range) !== null)) return range.trim()
  return refuse(
    `engines.${key} in package.json is ${JSON.stringify(range)}, which is not a version range such as "24.x"`,
  )
}

/** Heroku's `cacheDirectories`: only what lies in the app, and not what is cached anyhow. */
function toolCaches() {
  const named = [manifest.cacheDirectories ?? manifest.cache_directories ?? []]
    .flat()
    .filter((path) => typeof path === 'string')
  const paths = named.map((path) => normalize(path).replace(/\/$/, ''))
  const usable = paths.filter((path) => /^[\w.@-]/.test(path) && !/^(\.\.?(\/|$)|node_modules$|\.paas)|\n/.test(path))
  return [...new Set([...usualToolCaches, ...usable])]
}

/** `packageManager` is Node's own field for it (corepack): NAME@VERSION, perhaps with a hash. */
function packageManager() {
  const [, name, version] = /^(npm|yarn|pnpm)@(\d[^+]*)/.exec(String(manifest.packageManager ?? '')) ?? []
  if (name) return [name, semver.valid(version) ?? refuse(`packageManager in package.json is not NAME@VERSION`)]
  const byLock = lockFiles[locks[0]] ?? 'npm'
  return [byLock, byLock === 'npm' ? '' : managerRange(buildDir, byLock, rangeAt(byLock), semver)]
}

/** Files that say what others than npm, Yarn and pnpm do, and are not read. */
function advice() {
  const lines = []
  const bun = ['bun.lock', 'bun.lockb'].find((file) => existsSync(join(buildDir, file)))
  if (bun && locks.length === 0)
    lines.push(
      `${bun} is not read: npm installs the dependencies. Commit package-lock.json: npm install --package-lock-only`,
    )
  const file = versionFiles.find((name) => existsSync(join(buildDir, name)))
  if (file && nodeRange === '') lines.push(`${file} is not read. Name the version in package.json: ${exampleOf(file)}`)
  return lines
}

function exampleOf(file) {
  const version = readFileSync(join(buildDir, file), 'utf8').trim().replace(/^v/, '')
  return `"engines": { "node": "${semver.validRange(version) ? version : '24.x'}" }`
}

function print(facts) {
  for (const [key, value] of Object.entries(facts)) console.log(`${key}='${String(value).replaceAll("'", `'\\''`)}'`)
}

/** Said by the shell, which knows how a build is failed. */
function refuse(message) {
  print({ refusal: message })
  process.exit(0)
}
