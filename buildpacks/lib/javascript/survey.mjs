// survey.mjs DIRECTORY...: prints how many packages their node_modules have, and the names of those
// with install scripts, a line each.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { manifestOf, packagesBelow } from './tree.mjs'

const packages = process.argv.slice(2).flatMap((directory) => [...packagesBelow(directory)])
console.log(packages.length)
for (const name of new Set(packages.filter(hasInstallScript).map(nameOf))) console.log(name)

/**
 * npm compiles what has a binding.gyp and no script that would (docs.npmjs.com, "scripts", npm
 * install).
 */
function hasInstallScript(directory) {
  const { scripts, gypfile } = manifestOf(directory)
  const named = ['preinstall', 'install', 'postinstall'].some((script) => scripts?.[script])
  return named || (gypfile !== false && existsSync(join(directory, 'binding.gyp')))
}

/** The name it is installed by, which an alias changes. */
function nameOf(directory) {
  return directory.slice(directory.lastIndexOf('node_modules/') + 'node_modules/'.length)
}
