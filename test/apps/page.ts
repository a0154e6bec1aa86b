import { readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { packFacts } from '../../src/build/packs.ts'
import type { Starter } from './starter.ts'

const page = resolve(import.meta.dirname, '../../docs/languages.md')
const heading = '\n## The apps that were pushed\n'

/** Milliseconds of the first push and of one with another file, and bytes of the image beyond the shared one. */
export type Pushed = { starter: Starter; coldMs: number; warmMs: number; imageBytes: number }

/**
 * Replaces what docs/languages.md has from the table of apps on, but for the rows of apps that were not pushed now; what
 * precedes it is written by hand.
 */
export async function writePage(pushed: Pushed[], { begin, of }: { begin: Date; of: Starter[] }): Promise<void> {
  const [words, before = ''] = (await readFile(page, 'utf8')).split(heading)
  const rows = new Map([...rowsOf(before), ...pushed.map((one) => [one.starter.name, row(one)] as const)])
  const known = of.flatMap(({ name }) => rows.get(name) ?? [])
  const earlier = known.length > pushed.length ? ' The other rows are of earlier runs.' : ''
  const about = circumstances(`${pushed.length} of ${of.length} apps`, begin)
  await writeFile(page, `${words}${heading}\n${about}${earlier}\n\n${[...head, ...known].join('\n')}\n`)
}

/** Of a table, by the name of the app. */
function rowsOf(text: string): [string, string][] {
  return [...text.matchAll(/^\| [^|]+ \| ([^|]+) \| .*\|$/gm)].map(([line, name = '']) => [name, line])
}

function circumstances(which: string, begin: Date): string {
  const minutes = ((Date.now() - begin.getTime()) / 60_000).toFixed(0)
  const [, , load = 0] = loadavg()
  return [
    `Pushed on ${begin.toISOString().slice(0, 10)}: ${which}, in ${minutes} minutes, with ${cpus().length} cores (${cpus()[0]?.model}),`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}. The load average of the last 15 minutes was ${load.toFixed(1)} at the end.`,
  ].join('\n')
}

const head = ['| language | app | first push | next push | image |', '| --- | --- | --- | --- | --- |']

function row({ starter, coldMs, warmMs, imageBytes }: Pushed): string {
  const cells = [
    packFacts[starter.pack].title,
    starter.name,
    `${(coldMs / 1000).toFixed(1)} s`,
    `${(warmMs / 1000).toFixed(1)} s`,
    `${(imageBytes / 2 ** 20).toFixed(1)} MiB`,
  ]
  return `| ${cells.join(' | ')} |`
}
