import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const targets = ['indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages']

/**
 * The lines of sources.list for a Debian suite from the mirror this machine itself uses, so that a
 * company's mirror is used without asking. Empty when the machine is no Debian: mmdebstrap then
 * takes its default.
 */
export async function mirrorLines(suite: string): Promise<string[]> {
  const codename = debianCodename(await readFile('/etc/os-release', 'utf8'))
  if (codename === undefined) return []
  const { stdout } = await run('apt-get', targets)
  return translateSources(stdout.split('\n'), codename, suite)
}

/** undefined for anything that is not a release of Debian itself. */
export function debianCodename(osRelease: string): string | undefined {
  if (!/^ID=debian$/m.test(osRelease)) return undefined
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(osRelease)?.[1]
}

/**
 * `URI RELEASE COMPONENT` lines of the machine's release as lines for another one. Many vendors
 * publish packages under the name of the release too, but only Debian's mirrors have its
 * `-updates`.
 */
export function translateSources(lines: string[], codename: string, suite: string): string[] {
  const sources = lines.map((line) => line.split(' ')).filter(([, , component]) => component === 'main')
  const mirrors = new Set(sources.filter(([, release]) => release === `${codename}-updates`).map(([uri]) => uri))
  const wanted = sources.filter(([uri, release]) => {
    return (
      release === `${codename}-security` ||
      (mirrors.has(uri) && [codename, `${codename}-updates`].includes(release ?? ''))
    )
  })
  const translated = wanted.map(([uri, release]) => `deb ${uri} ${release?.replace(codename, suite)} main`)
  return translated.some((line) => line.endsWith(` ${suite} main`)) ? [...new Set(translated)] : []
}
