import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { filesUnder, type ImageFile } from './image-files.ts'

const modules = resolve(import.meta.dirname, '../../../node_modules')
/**
 * Where buildpacks find `bin/node` and `bin/npm`: the runtime of this server, not one that apps get
 * to see.
 */
export const toolsDirectory = 'usr/lib/paas'

const npmWrapper = `#!/bin/sh
exec /${toolsDirectory}/bin/node /${toolsDirectory}/lib/npm/bin/npm-cli.js "$@"
`

/** What the tools' versions are: part of the address of the build image. */
export function toolVersions(): Record<string, string> {
  return { node: process.version, npm: packageVersion('npm') }
}

/** This server's own Node and npm, for buildpacks. */
export function* toolFiles(): Generator<ImageFile> {
  yield { name: `${toolsDirectory}/bin/node`, path: process.execPath, mode: 0o755 }
  yield { name: `${toolsDirectory}/bin/npm`, content: npmWrapper, mode: 0o755 }
  yield* filesUnder(join(modules, 'npm'), `${toolsDirectory}/lib/npm`)
}

function packageVersion(name: string): string {
  const { version } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')) as { version: string }
  return version
}
