// rebuild.mjs NPM_DIR COMPILE_CACHE NAME...: runs the install scripts of these packages as
// `npm rebuild NAME...` does, with the parts of npm that do it there, in a fifth of its time: npm
// reads the whole tree for it, and what it needs to install packages. Exits with 75 and has done
// nothing where npm would look at more than the names; with 1 when a script failed.
// rebuild.mjs NPM_DIR COMPILE_CACHE --later FIFO loads all of it first, and then waits for what it
// is to do: how many names, each name, and the variables of the environment, all NUL-ended.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire, enableCompileCache } from 'node:module'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'

const elsewhere = 75
/** In the order of npm, each for all packages before the next one. */
const events = ['preinstall', 'install', 'postinstall']

const [npmDir, compileCache, ...words] = process.argv.slice(2)
enableCompileCache(compileCache)
const part = createRequire(join(npmDir, 'lib/npm.js'))
const names = words[0] === '--later' ? readOrder(words[1]) : words

const locked = readLock()
const places = Object.keys(locked).filter((place) => names.includes(nameOf(place)) && !locked[place].inBundle)
const packages = places.toSorted(byDepth).map((place) => ({ ...locked[place], path: resolve(place) }))
const found = new Set(places.map(nameOf))
if (names.some((name) => !found.has(name)) || packages.some(isBundle)) process.exit(elsewhere)

const npm = await loadNpm(names)
if (npm === undefined) process.exit(elsewhere)
const runScript = part('@npmcli/run-script')
const { callLimit } = part('promise-call-limit')
// npm leaves one processor alone, which on two means one script after the other.
const limit = availableParallelism()
for (const event of events)
  await callLimit(
    packages.map((one) => () => run(event, one)),
    { limit },
  )
process.exit()

function readOrder(fifo) {
  for (const path of ['./npm.js', '@npmcli/run-script', 'promise-call-limit']) part(path)
  const [count, ...entries] = readFileSync(fifo, 'utf8').split('\0').slice(0, -1)
  for (const name of Object.keys(process.env)) delete process.env[name]
  for (const entry of entries.slice(Number(count))) {
    const end = entry.indexOf('=')
    process.env[entry.slice(0, end)] = entry.slice(end + 1)
  }
  return entries.slice(0, Number(count))
}

/** What npm wrote when it installed: the tree as it lies there. */
function readLock() {
  const file = 'node_modules/.package-lock.json'
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {}
}

function nameOf(place) {
  return place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function byDepth(one, other) {
  const depth = (place) => place.split('node_modules/').length
  return depth(one) - depth(other) || one.localeCompare(other, 'en')
}

/** npm builds what is in it along with it. */
function isBundle({ bundleDependencies }) {
  return bundleDependencies !== undefined
}

/**
 * npm with all its settings, which it hands on to scripts in their environment; undefined when one
 * says which scripts may run.
 */
async function loadNpm(packageNames) {
  process.argv.splice(1, Infinity, join(npmDir, 'bin/npm-cli.js'), 'rebuild', ...packageNames)
  const Npm = part('./npm.js')
  const loaded = new Npm()
  await loaded.load()
  process.env.npm_command = 'rebuild'
  const { ignoreScripts, foregroundScripts, strictAllowScripts } = loaded.flatOptions
  const { allowScripts } = JSON.parse(readFileSync('package.json', 'utf8').replace(/^\uFEFF/, ''))
  const chooses = [allowScripts, ignoreScripts, foregroundScripts, strictAllowScripts].some(Boolean)
  return chooses || isSet(loaded.config.get('allow-scripts')) ? undefined : loaded
}

function isSet(value) {
  return value !== undefined && value !== null && String(value) !== ''
}

async function run(event, { path, resolved, integrity, optional, dev, peer, devOptional }) {
  const flag = (value) => (value ? '1' : '')
  const env = {
    npm_package_resolved: resolved,
    npm_package_integrity: integrity,
    npm_package_json: join(path, 'package.json'),
    npm_package_optional: flag(optional),
    npm_package_dev: flag(dev),
    npm_package_peer: flag(peer),
    npm_package_dev_optional: flag(devOptional && !dev && !optional),
  }
  const { scriptShell } = npm.flatOptions
  try {
    await runScript({ event, path, env, scriptShell, stdio: 'pipe' })
  } catch ({ message, stdout = '', stderr = '' }) {
    console.log(`${event} of ${path}: ${message}\n${stdout}${stderr}`.trimEnd())
    process.exit(1)
  }
}
