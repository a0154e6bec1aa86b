import { PaasError } from '../errors.ts'
import { packNamed, packNames, type PackName } from './packs.ts'

/** A pack that builds the app, and what it calls such apps. */
export type Pack = { pack: PackName; name: string }

/** Which packs are asked whether they can build the app, and whether all must or the first that can does it. */
export type Candidates = { mode: 'first' | 'all'; packs: readonly PackName[] }

/**
 * All of ours, or those that are set for the app, or else those that `.buildpacks` names.
 * @param installed names that are set for the app
 * @param explicit the content of `.buildpacks`, one name a line; Heroku's names and URLs of the same packs are understood
 * @throws build_failed for a name that is none of ours
 */
export function candidates(installed: readonly string[], explicit: string | undefined): Candidates {
  if (installed.length > 0) return { mode: 'all', packs: installed.map(parseInstalled) }
  if (explicit === undefined) return { mode: 'first', packs: packNames }
  const lines = explicit.split(/\r?\n/).map((line) => line.trim())
  const packs = lines.filter((line) => line !== '' && !line.startsWith('#')).map(parseName)
  if (packs.length > 0) return { mode: 'all', packs }
  throw new PaasError('build_failed', 'build failed: .buildpacks names no buildpack', { hint: whichExist })
}

/** Checked when it was set, perhaps by a server that had more. */
function parseInstalled(name: string): PackName {
  const known = packNamed(name)
  if (known) return known
  throw new PaasError('build_failed', `build failed: there is no buildpack ${name} any more`, {
    hint: 'Choose others with: paas buildpacks:set',
  })
}

function parseName(line: string): PackName {
  const known = packNamed(line)
  if (known) return known
  const message = `build failed: .buildpacks names ${JSON.stringify(line.slice(0, 80))}`
  throw new PaasError('build_failed', message, { hint: whichExist })
}

const whichExist = `Name one a line of: ${packNames.join(', ')}.`

/** A pack that was named and cannot build the app, or undefined: none of all can. */
export function undetected(pack: string | undefined): PaasError {
  if (pack === undefined)
    return new PaasError('build_failed', 'build failed: no buildpack could be detected', { hint: sought })
  return new PaasError('build_failed', `build failed: the buildpack ${pack} cannot build this app`, {
    hint: 'Its files are missing in the root of the repository. Add them, or correct .buildpacks or: paas buildpacks',
  })
}

const sought =
  'paas looks in the root of the repository for package.json (Node.js), requirements.txt, pyproject.toml or manage.py (Python), ' +
  'index.html or static.json (static site), or a Dockerfile.'
