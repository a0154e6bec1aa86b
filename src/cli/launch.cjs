#!/usr/bin/env node
// bin/paas of the package for developers' machines (see bin/pack.ts). Plain CommonJS, so that an
// old Node can read it.
const { enableCompileCache } = require('node:module')
const { homedir } = require('node:os')
const path = require('node:path')

const least = 22

if (Number(process.versions.node.split('.')[0]) < least) {
  process.stderr.write(` !    paas needs Node ${least} or newer; this is ${process.version}.\n`)
  process.exitCode = 1
} else {
  // Compiling would take longer than the rest of the command: keep the result.
  const caches = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache')
  enableCompileCache?.(path.join(caches, 'paas', 'compiled'))
  void import('../dist/cli/main.js')
}
