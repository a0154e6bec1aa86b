import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'

/**
 * Checks the server's packages for known vulnerabilities (npm-audit(1)). Exits with 1 if one is
 * high or critical. If the registry has no such data or does not answer, it says that nothing was
 * checked, and exits with 0.
 */

type Severity = 'info' | 'low' | 'moderate' | 'high' | 'critical'
type Report =
  | { vulnerabilities: Record<string, { severity: Severity; range: string }> }
  | { message?: string; error?: { summary?: string } }

const root = resolve(import.meta.dirname, '..')
const argv = ['audit', '--omit=dev', '--json', ...process.argv.slice(2)]
const npm = spawn(join(root, 'node_modules/.bin/npm'), argv, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
const [report] = await Promise.all([text(npm.stdout).then(parse), once(npm, 'close')])

if (!('vulnerabilities' in report)) {
  say(`NOT RUN, the registry gave no data: ${report.message ?? report.error?.summary ?? 'npm audit said nothing'}`)
} else {
  const found = Object.entries(report.vulnerabilities).map(([name, { severity, range }]) => ({ name, severity, range }))
  const grave = found.filter(({ severity }) => severity === 'high' || severity === 'critical')
  for (const { name, severity, range } of found) say(`${severity}: ${name} ${range}`)
  say(`${grave.length} of ${found.length} packages with a known weakness have a high or critical one`)
  process.exitCode = grave.length > 0 ? 1 : 0
}

function parse(json: string): Report {
  try {
    return JSON.parse(json) as Report
  } catch {
    return { message: json.trim().split('\n')[0] || 'npm audit said nothing' }
  }
}

function say(line: string): void {
  process.stdout.write(`audit: ${line}\n`)
}
