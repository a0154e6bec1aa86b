import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Where the buildpacks of this project are. */
export const packsDirectory = resolve(import.meta.dirname, '../../buildpacks')

/** Ours, in the order in which they are asked whether they can build an app. */
export const packNames = [
  'apt',
  'go',
  'rust',
  'java',
  'ruby',
  'php',
  'elixir',
  'deno',
  'bun',
  'nodejs',
  'python',
  'static',
  'procfile',
] as const
export type PackName = (typeof packNames)[number]

/** What a pack says of itself (`pack.json`). */
export type PackFacts = {
  /** What it calls the apps that it detects. */
  title: string
  /** What it builds, in a few words. */
  description: string
  /** Further names that it has at Heroku. */
  aliases?: string[]
  /** It only adds to what the pack after it builds, of an app that no pack was chosen for too. */
  adds?: true
  /** Names in the root of a source; bin/detect knows of some that are deeper, too. */
  detectedBy: string[]
  /**
   * Names in the root that it reads, so that an app that has one nearly so is told. Not those that
   * an app of another kind may well have as files of its own.
   */
  reads: string[]
  /** Debian packages beyond the stack's own that every build image has for it. */
  build: string[]
  /**
   * Those that are large and only in build images for such apps, which are made when the first one
   * is built.
   */
  toolchain?: string[]
  /** Debian packages that its apps need to run. */
  run: string[]
}

export const packFacts = Object.fromEntries(packNames.map((name) => [name, readFacts(name)])) as Record<
  PackName,
  PackFacts
>

/** Those that every build image has all packages for. */
export const packsWithoutToolchain = packNames.filter((name) => !hasToolchain(name))

export function hasToolchain(pack: PackName): boolean {
  return packFacts[pack].toolchain !== undefined
}

/** Those that build an app alone. */
export const buildingPacks = packNames.filter((name) => !packFacts[name].adds)

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
  return packNames.find((name) => name === short || packFacts[name].aliases?.includes(short))
}

/** The one that does what somebody else's pack at this address does, to judge by its name. */
export function packLike(url: string): PackName | undefined {
  const name = url.split('#', 1)[0]?.split('/').at(-1) ?? ''
  return packNamed(name.replace(/\.(git|tgz|tar\.gz)$/, '').replace(/^heroku-buildpack-/, ''))
}

/** The one that calls its apps so. */
export function packTitled(title: string): PackName | undefined {
  return packNames.find((name) => packFacts[name].title === title)
}

function readFacts(pack: PackName): PackFacts {
  return JSON.parse(readFileSync(join(packsDirectory, pack, 'pack.json'), 'utf8')) as PackFacts
}
