// inspect.mjs BUILD_DIR: prints what the pack must know about an app, as shell assignments.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [buildDir] = process.argv.slice(2)
const usualFiles = ['main', 'server', 'app', 'index', 'mod', 'src/main', 'src/server', 'src/index']
const settingsFile = ['deno.json', 'deno.jsonc'].find((file) => existsSync(join(buildDir, file)))
const settings = settingsFile === undefined ? {} : readObject(settingsFile)
const manifest = existsSync(join(buildDir, 'package.json')) ? readObject('package.json') : {}
const tasks = { ...manifest.scripts, ...settings.tasks }
const entry = entryOf(commandOf(tasks.start)) ?? usual()

print({
  start_task: tasks.start === undefined ? '' : 'start',
  build_task: tasks.build === undefined ? '' : 'build',
  entry: entry ?? '',
  // deno serve takes the port; what calls Deno.serve itself must not be served.
  serves: entry !== undefined && /^export default\b/m.test(read(entry)) ? 'yes' : '',
  dev_dependencies: Object.keys(manifest.devDependencies ?? {}).length,
})

/** A task is its command, or an object that has it. */
function commandOf(task) {
  return String(task?.command ?? task ?? '')
}

/** The first word of a command that is a file of the app to run. */
function entryOf(command) {
  const words = command.split(/[\s"']+/).map((word) => word.replace(/^\.\//, ''))
  return words.find((word) => /^[\w@./-]+\.[cm]?[jt]sx?$/.test(word) && existsSync(join(buildDir, word)))
}

function usual() {
  const files = usualFiles.flatMap((name) => ['ts', 'tsx', 'js', 'mjs'].map((end) => `${name}.${end}`))
  return files.find((file) => existsSync(join(buildDir, file)))
}

/** With comments and commas at the end of lists, which Deno allows in both of its files. */
function readObject(file) {
  const string = /("(?:\\.|[^"\\])*")/.source
  const plain = read(file)
    .replace(/^\uFEFF/, '')
    .replace(new RegExp(`${string}|//[^\\n]*|/\\*[^]*?\\*/`, 'g'), '$1')
    .replace(new RegExp(`${string}|,(?=\\s*[}\\]])`, 'g'), '$1')
  try {
    const value = JSON.parse(plain.trim() || '{}')
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch (error) {
    return refuse(`${file} is not JSON: ${error.message}`)
  }
  return refuse(`${file} is not an object`)
}

function read(file) {
  return readFileSync(join(buildDir, file), 'utf8')
}

function print(facts) {
  for (const [key, value] of Object.entries(facts)) console.log(`${key}='${String(value).replaceAll("'", `'\\''`)}'`)
}

/** Said by the shell, which knows how a build is failed. */
function refuse(message) {
  print({ refusal: message })
  process.exit(0)
}
