import { PaasError } from '../errors.ts'
import type { AddressPolicy } from '../outbound/addresses.ts'
import { isPackPath, type PackPath } from './pack-path.ts'
import { isPackUrl, parsePackUrl, type PackUrl } from './pack-url.ts'
import { packNamed, packNames, type PackName } from './packs.ts'

/** One of ours, or anybody's. */
export type AnyPack = PackName | PackUrl | PackPath

/** A pack that builds the app, and what it calls such apps. */
export type NamedPack = { pack: AnyPack; name: string }

/**
 * Which packs are asked whether they can build the app, and whether all must or the first that can
 * does it.
 */
export type Candidates = { mode: 'first' | 'all'; packs: readonly AnyPack[] }

/**
 * All of ours, or those that are set for the app, or else those that `.buildpacks` names.
 * @param installed names and URLs that are set for the app
 * @param explicit the content of `.buildpacks`, a name or URL a line; Heroku's names and URLs of
 *   ours are understood
 * @param policy which addresses may be named
 * @throws build_failed for a name that is none of ours, and a URL that cannot be a pack's
 */
export function candidates(
  installed: readonly string[],
  explicit: string | undefined,
  policy: AddressPolicy,
): Candidates {
  if (installed.length > 0) return { mode: 'all', packs: installed.map((text) => parseInstalled(text, policy)) }
  if (explicit === undefined) return { mode: 'first', packs: packNames }
  const lines = explicit.split(/\r?\n/).map((line) => line.trim())
  const packs = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => parseLine(line, policy))
  if (packs.length > 0) return { mode: 'all', packs }
  throw new PaasError('build_failed', 'build failed: .buildpacks names no buildpack', { hint: whichExist })
}

/** Checked when it was set, perhaps by a server that had more. */
function parseInstalled(name: string, policy: AddressPolicy): AnyPack {
  const known = packNamed(name) ?? asPath(name) ?? parseUrl(name, policy)
  if (known) return known
  throw new PaasError('build_failed', `build failed: there is no longer a buildpack ${name}`, {
    hint: 'Choose others with: paas buildpacks:set',
  })
}

function parseLine(line: string, policy: AddressPolicy): AnyPack {
  const known = packNamed(line) ?? asPath(line) ?? parseUrl(line, policy)
  if (known) return known
  const message = `build failed: .buildpacks names ${JSON.stringify(line.slice(0, 80))}`
  throw new PaasError('build_failed', message, { hint: whichExist })
}

const whichExist = `Write one per line: ${packNames.join(', ')}, the https URL of another one, or ./PATH of one in the app.`

function asPath(text: string): PackPath | undefined {
  return isPackPath(text) ? text : undefined
}

function parseUrl(text: string, policy: AddressPolicy): PackUrl | undefined {
  if (!isPackUrl(text)) return undefined
  try {
    return parsePackUrl(text, policy)
  } catch (cause) {
    if (!(cause instanceof PaasError)) throw cause
    throw new PaasError('build_failed', `build failed: ${cause.message.replace(/\.$/, '')}`, {
      cause,
      hint: cause.hint,
    })
  }
}

/** A pack that is unavailable or invalid; `reason` completes a sentence. */
export function unusable(pack: string, reason: string): PaasError {
  return new PaasError('build_failed', `build failed: the buildpack ${pack} ${reason}`, {
    hint: 'Correct it in .buildpacks or with: paas buildpacks:set',
  })
}
