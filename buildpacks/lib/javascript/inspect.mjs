// inspect.mjs BUILD_DIR NPM_DIR MANAGER DIRECTORY: prints what a pack must know about an app, as
// shell assignments. MANAGER is its package manager if it does not say otherwise, DIRECTORY the
// package of a workspace that was chosen, or empty.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, normalize } from 'node:path'
import { hasWorkspaces, installScripts, managerRange, readLock } from './lock.mjs'
import { askedVersion, namedVersion } from './versions.mjs'
import { workspaceDirectories } from './workspaces.mjs'

const [buildDir, npmDir, usualManager, chosen = ''] = process.argv.slice(2)
/** Each part of it when it is needed: most apps ask for no version, and all of it takes 10 ms. */
const part = createRequire(join(npmDir, 'package.json'))
const semver = {
  satisfies: (...asked) => part('semver/functions/satisfies')(...asked),
  valid: (version) => part('semver/functions/valid')(version),
  validRange: (range) => part('semver/ranges/valid')(range),
  subset: (...ranges) => part('semver/ranges/subset')(...ranges),
}

/** Files that say which package manager an app uses, and which one. */
const lockFiles = {
  'package-lock.json': 'npm',
  'npm-shrinkwrap.json': 'npm',
  'yarn.lock': 'yarn',
  'pnpm-lock.yaml': 'pnpm',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
}
/** Directories that build tools keep from one build to the next. */
const usualToolCaches = [
  '.next/cache',
  '.nuxt/cache',
  '.turbo/cache',
  '.angular/cache',
  'node_modules/.cache',
  'node_modules/.vite',
  'node_modules/.astro',
]
/** Scripts of the app that may need development dependencies while it is built. */
const buildScripts = ['heroku-prebuild', 'heroku-postbuild', 'build']
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

const manifest = readManifest('package.json')
const scripts = objectAt(manifest, 'scripts')
const engines = objectAt(manifest, 'engines')
const devEngines = objectAt(manifest, 'devEngines')
const locks = Object.keys(lockFiles).filter((file) => existsSync(join(buildDir, file)))
const [manager, managerVersion] = packageManager()
const node = nodeAsked()
const npmVersion = readJson(join(npmDir, 'package.json'), 'package.json of npm').version
const npmRange = rangeAt('npm')
/** The packages of a workspace. */
const members = workspaceDirectories(buildDir, manifest)
  .filter((path) => path !== '.')
  .map((path) => ({ path, manifest: readManifest(`${path}/package.json`) }))
/** Those that can be started, where the root cannot. */
const apps = appsOfWorkspace()
const app = apps.length === 1 ? apps[0] : ''
const appScripts = app === '' ? scripts : objectAt(members.find(({ path }) => path === app).manifest, 'scripts')
const lock = readLock(buildDir, locks[0], manager, manifest, members)

print({
  node_range: node.range,
  node_asked_in: node.from || 'engines.node in package.json',
  node_built_in: node.range === '' || semver.satisfies(process.versions.node, node.range) ? process.versions.node : '',
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
  dependencies_digest: digest([dependencyFields.map((field) => manifest[field]), members]),
  dev_dependencies: count('devDependencies'),
  workspaces: hasWorkspaces(buildDir, manifest) ? 'yes' : '',
  workspace_members: members.map(({ path }) => path).join('\n'),
  build_script: scripts['heroku-postbuild'] !== undefined ? 'heroku-postbuild' : scripts.build ? 'build' : '',
  prebuild_script: scripts['heroku-prebuild'] === undefined ? '' : 'heroku-prebuild',
  cleanup_script: scripts['heroku-cleanup'] === undefined ? '' : 'heroku-cleanup',
  install_scripts: ownInstallScripts().join(' '),
  needs_dev: [...buildScripts, ...installScripts].some((name) => (scripts[name] ?? appScripts[name]) !== undefined)
    ? 'yes'
    : '',
  tool_caches: toolCaches().join('\n'),
  entry: entry(),
  start_command: appScripts.start ?? '',
  production_script: appScripts['start:prod'] === undefined ? '' : 'yes',
  app_directory: app,
  app_builds: app !== '' && appScripts.build !== undefined ? 'yes' : '',
  workspace_apps: apps.join('\n'),
})

/** Bun runs files without one. */
function readManifest(file) {
  const path = join(buildDir, file)
  const value = existsSync(path) ? readJson(path, file) : {}
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value
  return refuse(`${file} is not an object`)
}

function readJson(path, file) {
  const text = readFileSync(path, 'utf8')
  if (text.includes('\0')) return refuse(`${file} is in UTF-16; save it as UTF-8`)
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    return refuse(`${file} is not JSON: ${error.message}`)
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
  return checkedRange(engines[key] ?? '', `engines.${key} in package.json`)
}

function checkedRange(range, from) {
  if (range === '' || (typeof range === 'string' && semver.validRange(range) !== null)) return range.trim()
  return refuse(`${from} is ${JSON.stringify(range)}, which is not a version range such as "24.x"`)
}

/** Heroku's `cacheDirectories`: only what lies in the app, and not what is cached anyhow. */
function toolCaches() {
  const named = [manifest.cacheDirectories ?? manifest.cache_directories ?? []]
    .flat()
    .filter((path) => typeof path === 'string')
  const paths = named.map((path) => normalize(path).replace(/\/$/, ''))
  const usable = paths.filter((path) => /^[\w.@-]/.test(path) && !/^(\.\.?(\/|$)|node_modules$|\.paas)|\n/.test(path))
  const inApp = app === '' ? [] : usualToolCaches.map((path) => `${app}/${path}`)
  return [...new Set([...usualToolCaches, ...inApp, ...usable])]
}

/**
 * `packageManager` is Node's own field for it (corepack): NAME@VERSION, perhaps with a hash.
 * `devEngines.packageManager` has a name and a range (docs.npmjs.com, package.json).
 */
function packageManager() {
  const names = ['npm', 'yarn', 'pnpm', 'bun']
  const [, name, version] = /^(npm|yarn|pnpm|bun)@(\d[^+]*)/.exec(String(manifest.packageManager ?? '')) ?? []
  if (name) return [name, semver.valid(version) ?? refuse(`packageManager in package.json is not NAME@VERSION`)]
  const asked = [devEngines.packageManager ?? []].flat().find((entry) => names.includes(entry?.name))
  const byLock = lockFiles[locks[0]] ?? asked?.name ?? usualManager
  if (asked?.name === byLock && asked.version !== undefined)
    return [byLock, checkedRange(asked.version, 'devEngines.packageManager')]
  if (byLock === 'bun') return ['bun', runtimeAsked('bun', [], ['.bun-version'], ['bun']).range]
  return [byLock, byLock === 'npm' ? '' : managerRange(buildDir, byLock, rangeAt(byLock), semver)]
}

/** package.json first, as on Heroku; then what version managers read. */
function nodeAsked() {
  const volta = ['volta.node in package.json', objectAt(manifest, 'volta').node]
  return runtimeAsked('node', [volta], ['.nvmrc', '.node-version'], ['node', 'nodejs'])
}

function runtimeAsked(name, more, files, names) {
  const sources = [
    [`engines.${name} in package.json`, rangeAt(name)],
    ...more,
    ['devEngines.runtime in package.json', namedVersion(devEngines.runtime, [name])],
  ]
  const { range, from } = askedVersion(buildDir, sources, files, names)
  return { from, range: checkedRange(range, from) }
}

/** The file that Bun would run, which package.json names, or `bun init` and templates have. */
function entry() {
  const places = ['index', 'src/index', 'server', 'src/server', 'app', 'src/app', 'main', 'src/main']
  const usual = places.flatMap((place) => ['ts', 'tsx', 'js', 'mjs'].map((end) => `${place}.${end}`))
  const named = [manifest.main, manifest.module].filter((path) => typeof path === 'string' && /^[\w./-]+$/.test(path))
  return [...named, ...usual].find((path) => existsSync(join(buildDir, path))) ?? ''
}

function appsOfWorkspace() {
  if (scripts.start !== undefined && chosen === '') return []
  const all = members.map(({ path }) => path)
  const wanted = normalize(`./${chosen}`).replace(/\/$/, '')
  if (chosen !== '' && all.includes(wanted)) return [wanted]
  return members.filter((member) => member.manifest.scripts?.start !== undefined).map(({ path }) => path)
}

function print(facts) {
  for (const [key, value] of Object.entries(facts)) console.log(`${key}='${String(value).replaceAll("'", `'\\''`)}'`)
}

/** Said by the shell, which knows how a build is failed. */
function refuse(message) {
  print({ refusal: message })
  process.exit(0)
}
