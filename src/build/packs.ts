import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Where the buildpacks of this project are. */
export const packsDirectory = resolve(import.meta.dirname, '../../buildpacks')

/** Ours, in the order in which they are asked whether they can build an app. */
export const packNames = ['nodejs', 'python', 'static'] as const
export type PackName = (typeof packNames)[number]

export function isOurs(pack: string): pack is PackName {
  return packNames.some((name) => name === pack)
}

/**
 * The one of ours that a name or an address means: `nodejs`, `heroku/nodejs`, or where Heroku has
 * it.
 */
export function packNamed(text: string): PackName | undefined {
  const [address = ''] = text.split('#', 1)
  const short = address
    .replace(/^(urn:buildpack:)?heroku\//, '')
    .replace(/^https:\/\/github\.com\/heroku\/heroku-buildpack-/, '')
    .replace(/\.git$/, '')
  return packNames.find((name) => name === short)
}

/** Debian packages a pack needs beyond the stack's own, to build and to run (`packages.json`). */
export function packagesOf(pack: PackName): { build: string[]; run: string[] } {
  return JSON.parse(readFileSync(join(packsDirectory, pack, 'packages.json'), 'utf8')) as ReturnType<typeof packagesOf>
}
