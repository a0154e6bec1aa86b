// alone.mjs SERVER COMMAND: prints what of the app in the current directory may run besides SERVER,
// a file that has all that it needs beside it, and would miss node_modules; nothing where that
// may go. COMMAND is what `web` starts. SERVER is empty for a site, which a web server serves.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { manifestOf } from './tree.mjs'

/** What has made the server; its programs are for building. */
const makers = ['next', 'nuxt', 'nuxi', 'nitro', 'nitropack']

const [server, command] = process.argv.slice(2)
const { scripts = {}, dependencies = {}, optionalDependencies = {} } = manifestOf('.')

console.log(server === '' ? besideSite() : (besideServer() ?? ''))

function besideSite() {
  return existsSync('Procfile') ? 'what the Procfile starts' : (afterDeploy() ?? '')
}

function besideServer() {
  const commands = [command === 'npm start' ? scripts.start : command, ...procfile()]
  const other = commands.find((one) => !startsServer(one))
  if (other !== undefined) return other
  const around = ['prestart', 'poststart'].find((name) => command === 'npm start' && scripts[name])
  return around ? `the script ${around}` : (afterDeploy() ?? programOfDependency())
}

function procfile() {
  if (!existsSync('Procfile')) return []
  const lines = readFileSync('Procfile', 'utf8').split('\n')
  return lines
    .map((line) => line.trim().replace(/^[\w-]+:\s*/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
}

function startsServer(one) {
  const words = String(one)
    .split(/\s+/)
    .filter((word) => !/^\w+=/.test(word))
  return words.length === 2 && words[0] === 'node' && words[1].replace(/^\.\//, '') === server
}

function afterDeploy() {
  if (!existsSync('app.json')) return undefined
  return /"(postdeploy|pr-predestroy)"/.test(readFileSync('app.json', 'utf8')) ? 'a script of app.json' : undefined
}

/** Such as a tool that migrates a database: it is there to be called. */
function programOfDependency() {
  const names = Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !makers.includes(name))
  const name = names.find((one) => manifestOf(join('node_modules', one)).bin !== undefined)
  return name && `${name} of dependencies`
}
