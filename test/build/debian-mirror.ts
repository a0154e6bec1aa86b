import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { docker } from './builder.ts'

/** The mirror that an image of the stack has its packages from. */
async function mirrorOf(image: string): Promise<string> {
  const { output } = await docker('run', '--rm', image, 'cat', '/etc/apt/sources.list')
  return /^deb (?:\[.*\] )?(\S+)/m.exec(output)?.[1] ?? ''
}

/** A file of the mirror, such as a source in its pool. */
export async function fromMirror(image: string, path: string): Promise<Buffer> {
  const answer = await fetch(new URL(path, await mirrorOf(image)))
  if (!answer.ok) throw new Error(`The mirror answers ${answer.status} for ${path}.`)
  return Buffer.from(await answer.arrayBuffer())
}

/** What another release of Debian has of these packages now: name → path. */
export async function packagesOf(image: string, suite: string, names: string[]): Promise<Map<string, string>> {
  const index = await fromMirror(image, `dists/${suite}/main/binary-amd64/Packages.gz`)
  const text = (await promisify(gunzip)(index)).toString()
  return new Map(
    names.map((name) => {
      const entry = text.slice(text.indexOf(`\nPackage: ${name}\n`) + 1).split('\n\n', 1)[0] ?? ''
      return [name, /^Filename: (\S+)$/m.exec(entry)?.[1] ?? '']
    }),
  )
}
