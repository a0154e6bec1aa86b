import type { Sandbox } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { packNames, type PackName } from './packs.ts'
import { programs } from './toolbox.ts'
import { appDirectory } from './tenant.ts'

export type Pack = { pack: PackName; name: string }

/** What detection may answer, in bytes; ours answer one line a pack. */
const mostBytes = 4096

/**
 * The packs that build an app: those `.buildpacks` names, in its order, or else the first of ours that can.
 * @param explicit the content of `.buildpacks`, one name a line
 * @throws build_failed when no pack can build it, or one that was named cannot
 */
export async function detect(
  { sandbox, explicit }: { sandbox: Sandbox; explicit: string | undefined },
  signal: AbortSignal,
): Promise<Pack[]> {
  const named = explicit === undefined ? undefined : parseNames(explicit)
  const argv = [programs.detect, appDirectory, named ? 'all' : 'first', ...(named ?? packNames)]
  const answer: Buffer[] = []
  const exit = await sandbox.exec({ argv }, (chunk, stream) => stream === 'stdout' && answer.push(chunk), signal)
  const found = parseAnswer(Buffer.concat(answer).subarray(0, mostBytes).toString())
  if (named && found.length < named.length) throw cannotBuild(named[found.length] ?? '')
  if (exit.code !== 0 || found.length === 0) throw nothingDetected()
  return found
}

function parseNames(text: string): PackName[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const names = lines.filter((line) => line !== '' && !line.startsWith('#')).map(parseName)
  if (names.length > 0) return names
  throw new PaasError('build_failed', 'build failed: .buildpacks names no buildpack', { hint: whichExist })
}

/** Heroku's names and URLs of the same packs are understood: `heroku/nodejs`, `…/heroku-buildpack-nodejs`. */
function parseName(line: string): PackName {
  const short = line.replace(/^(heroku\/|https:\/\/github\.com\/heroku\/heroku-buildpack-)/, '').replace(/\.git$/, '')
  const known = packNames.find((name) => name === short)
  if (known) return known
  throw new PaasError('build_failed', `build failed: .buildpacks names ${JSON.stringify(line.slice(0, 80))}`, {
    hint: whichExist,
  })
}

const whichExist = `Name one a line of: ${packNames.join(', ')}.`

function parseAnswer(answer: string): Pack[] {
  return answer.split('\n').flatMap((line) => {
    const [, pack, name] = /^(\S+) (.+)$/.exec(line) ?? []
    const known = packNames.find((candidate) => candidate === pack)
    return known && name ? [{ pack: known, name }] : []
  })
}

function cannotBuild(pack: string): PaasError {
  return new PaasError('build_failed', `build failed: the buildpack ${pack} cannot build this app`, {
    hint: 'Its files are missing in the root of the repository. Correct .buildpacks, or add them.',
  })
}

function nothingDetected(): PaasError {
  return new PaasError('build_failed', 'build failed: no buildpack could be detected', {
    hint:
      'paas looks in the root of the repository for package.json (Node.js), requirements.txt, pyproject.toml or manage.py (Python), ' +
      'index.html or static.json (static site), or a Dockerfile.',
  })
}
