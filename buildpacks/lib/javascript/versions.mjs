// Which version of a runtime an app asks for: what package.json says, or files of version managers.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Long-term support releases of Node.js by the names that nvm and others know them by. */
const longTerm = { fermium: 14, gallium: 16, hydrogen: 18, iron: 20, jod: 22, krypton: 24 }
const anyVersion = /^(node|stable|latest|current|lts|lts\/\*|\*|system)$/

/**
 * What the first of these says that says anything: `range` as npm has it ('' for any version), and
 * `from`, its place.
 * @param sources [place, text] of package.json, in order; texts that are no version are passed on
 * @param files of version managers for this runtime alone
 * @param names the runtime has in files for several
 */
export function askedVersion(buildDir, sources, files, names) {
  const own = files.map((file) => [file, firstLine(read(buildDir, file))])
  const shared = ['mise.toml', '.mise.toml', '.tool-versions'].map((file) => [
    file,
    toolIn(read(buildDir, file), names, file),
  ])
  const found = [...sources, ...own, ...shared].find(([, text]) => typeof text === 'string' && text !== '')
  if (found === undefined) return { range: '', from: '' }
  const [from, text] = found
  return { range: rangeOf(text), from }
}

/** Of a field that has one thing or several, each with a name, the version of the one so named. */
export function namedVersion(field, names) {
  return [field ?? []].flat().find((entry) => names.includes(entry?.name))?.version
}

function rangeOf(text) {
  const plain = text
    .trim()
    .replace(/^(node|bun|deno)-(?=v?\d)/, '')
    .replace(/^v(?=\d)/, '')
  const [, name] = /^lts[/-]([a-z]+)$/.exec(plain.toLowerCase()) ?? []
  if (name !== undefined && longTerm[name] !== undefined) return `${longTerm[name]}.x`
  return anyVersion.test(plain.toLowerCase()) ? '' : plain
}

/** Without comments, which nvm allows. */
function firstLine(text) {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .find(Boolean)
}

function toolIn(text, names, file) {
  if (!file.endsWith('.toml')) {
    const line = text.split('\n').map((entry) => entry.replace(/#.*/, '').trim().split(/\s+/))
    return line.find(([name]) => names.includes(name))?.[1]
  }
  const [, tools = ''] = /^\[tools\]\s*\n([^]*?)(?=^\[|$(?![^]))/m.exec(text) ?? []
  const [, value] = new RegExp(`^\\s*"?(?:${names.join('|')})"?\\s*=[^"'\\n]*["']([^"']+)["']`, 'm').exec(tools) ?? []
  return value
}

function read(buildDir, file) {
  const path = join(buildDir, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
