import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { PaasError } from '../errors.ts'
import type { SetupProgress } from './progress.ts'
import type { Requirement } from './requirements.ts'

const run = promisify(execFile)

/**
 * Installs what is missing with apt-get, as root on Debian or Ubuntu.
 * @throws requirements_missing, with the command to type, where that is not possible
 */
export async function installMissing(missing: Requirement[], progress: SetupProgress): Promise<void> {
  if (missing.length === 0) return
  if (!existsSync('/usr/bin/apt-get')) throw lacking(missing, undefined)
  if (process.getuid?.() !== 0) throw lacking(missing, await choosePackages(missing))
  progress.step(`this machine lacks ${names(missing)}`)
  progress.step('fetching the package lists (apt-get update)')
  await aptGet(['update'], progress)
  const packages = await choosePackages(missing)
  progress.step(`installing ${packages.join(', ')} (apt-get install)`)
  await aptGet(['install', '--yes', '--no-install-recommends', ...packages], progress)
}

/** Of each requirement's packages the first that apt has lists of, else the last. */
async function choosePackages(missing: Requirement[]): Promise<string[]> {
  const argv = ['policy', ...missing.flatMap(({ packages }) => packages)]
  const { stdout } = await run('apt-cache', argv, { env: inEnglish() })
  const known = new Set([...stdout.matchAll(/^(\S+):\n.*\n {2}Candidate: (?!\(none\))/gm)].map(([, name]) => name))
  const chosen = missing.map(({ packages }) => packages.find((name) => known.has(name)) ?? packages.at(-1) ?? '')
  return [...new Set(chosen)]
}

async function aptGet(argv: string[], progress: SetupProgress): Promise<void> {
  const child = spawn('apt-get', ['--option', 'Dpkg::Use-Pty=0', ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inEnglish(), DEBIAN_FRONTEND: 'noninteractive' },
  })
  const errors: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => progress.detail(line))
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line))
  const [code] = (await once(child, 'close')) as [number | null]
  progress.done()
  if (code === 0) return
  const reason = errors.filter((line) => line.startsWith('E: ')).join(' ') || errors.at(-1)
  throw new PaasError('requirements_missing', `apt-get ${argv[0]} exited with ${code}: ${reason}`)
}

/**
 * What apt says is read here. In any locale but C, LANGUAGE would translate it all the same
 * (gettext(1)).
 */
function inEnglish(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C' }
}

function lacking(missing: Requirement[], packages: string[] | undefined): PaasError {
  const install = `sudo apt-get update && sudo apt-get install --yes --no-install-recommends ${packages?.join(' ')}`
  const hint = packages ? `Run this, then try again: ${install}` : 'Install them, then try again.'
  return new PaasError('requirements_missing', `This machine lacks ${names(missing)}.`, { hint })
}

function names(missing: Requirement[]): string {
  return missing.map((requirement) => ('file' in requirement ? requirement.file : nameOf(requirement))).join(', ')
}

function nameOf({ command, leastVersion }: { command: string; leastVersion?: string }): string {
  return leastVersion ? `${command} ${leastVersion} or newer` : command
}
