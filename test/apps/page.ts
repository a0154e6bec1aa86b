import { readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { packFacts } from '../../src/build/packs.ts'
import type { Starter } from './starter.ts'

const page = resolve(import.meta.dirname, '../../docs/languages.md')
const heading = '\n## The apps that were pushed\n'

/** Milliseconds of the first push and of one with another file, and bytes of the image beyond the shared one. */
export type Pushed = { starter: Starter; coldMs: number; warmMs: number; imageBytes: number }

/** Replaces what docs/languages.md has from the table of apps on; what precedes it is written by hand. */
export async function writePage(pushed: Pushed[], { begin, of }: { begin: Date; of: number }): Promise<void> {
  const [words] = (await readFile(page, 'utf8')).split(heading)
  await writeFile(
    page,
    `${words}${heading}\n${circumstances(`${pushed.length} of ${of} apps`, begin)}\n\n${table(pushed)}\n`,
  )
}

function circumstances(which: string, begin: Date): string {
  const minutes = ((Date.now() - begin.getTime()) / 60_000).toFixed(0)
  const [, , load = 0] = loadavg()
  return [
    `Pushed on ${begin.toISOString().slice(0, 10)}: ${which}, in ${minutes} minutes, with ${cpus().length} cores (${cpus()[0]?.model}),`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}. The load average of the last 15 minutes was ${load.toFixed(1)} at the end.`,
  ].join('\n')
}

function table(pushed: Pushed[]): string {
  const rows = pushed.map(({ starter, coldMs, warmMs, imageBytes }) => [
    packFacts[starter.pack].title,
    starter.name,
    `${(coldMs / 1000).toFixed(1)} s`,
    `${(warmMs / 1000).toFixed(1)} s`,
    `${(imageBytes / 2 ** 20).toFixed(1)} MiB`,
  ])
  const head = ['language', 'app', 'first push', 'next push', 'image']
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
