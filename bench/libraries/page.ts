import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Result } from '../libraries.ts'
import { median } from '../statistics.ts'
import { loadNames, loads, method, type Load, type Loaded } from './rounds.ts'

const page = resolve(import.meta.dirname, '../../docs/node-benchmarks.md')
const heading = '\n## The figures\n'

/** Replaces what the page has from the figures on; what precedes them is written by hand. */
export async function writePage(results: Result[], begin: Date): Promise<void> {
  const [words] = (await readFile(page, 'utf8')).split(heading)
  const sections = [
    await circumstances(results, begin),
    pushTable(results),
    ...loadNames.map((load) => loadTable(load, results)),
  ]
  await writeFile(page, `${words}${heading}\n${sections.join('\n\n')}\n`)
}

async function circumstances(results: Result[], begin: Date): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', ['version', '--format={{.Server.Version}}'])
  const minutes = ((Date.now() - begin.getTime()) / 60_000).toFixed(1)
  const [, load = 0] = loadavg()
  return [
    `Measured on ${begin.toISOString().slice(0, 10)} in ${minutes} minutes:`,
    `${cpus().length} cores (${cpus()[0]?.model}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()},`,
    `Docker Engine ${stdout.trim()}; Node.js ${results[0]?.deployed.nodeVersion} in the dynos, ${process.versions.node} in the router;`,
    `${method.rounds} rounds of ${method.seconds} s for each load, ${method.connections} connections where nothing else is said.`,
    `The load average of the last five minutes was ${load.toFixed(1)} at the end.`,
  ].join('\n')
}

function pushTable(results: Result[]): string {
  const rows = results.map(({ deployed: { library, versions, installed, coldPush }, warmPush, idleMiB, loadedMiB }) => [
    library.name,
    versions.join(', '),
    String(installed),
    seconds(coldPush),
    seconds(warmPush),
    `${idleMiB.toFixed(0)} MiB`,
    `${loadedMiB.toFixed(0)} MiB`,
  ])
  const head = ['', 'versions', 'packages', 'cold push', 'warm push', 'memory, idle', 'under load']
  return `### Versions, pushes, memory\n\n${table(head, rows)}`
}

/** Against the first of the results, each with what that had in the same round. */
function loadTable(load: Load, results: Result[]): string {
  const first = results[0]?.loaded[load] ?? []
  const rows = results.map(({ deployed: { library }, loaded }, n) => {
    const of = (figure: (loaded: Loaded) => number) => median(loaded[load].map(figure))
    const ratios = loaded[load].map(({ app }, round) => (first[round]?.app ?? NaN) / app)
    const cost = of(({ app }) => app)
    return [
      library.name,
      count(1e6 / cost),
      median(ratios).toFixed(2),
      n === 0 ? '' : `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
      `${cost.toFixed(0)} µs`,
      `${of(({ router }) => router).toFixed(0)} µs`,
      `${count(of(({ perSecond }) => perSecond))}/s`,
      `${of(({ p50 }) => p50).toFixed(2)} ms`,
      `${of(({ p99 }) => p99).toFixed(2)} ms`,
    ]
  })
  const head = ['', 'requests/s and core', '× node:http', 'range', 'app', 'router', 'reached', 'p50', 'p99']
  return `### ${loads[load].title}\n\n${table(head, rows)}`
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}
