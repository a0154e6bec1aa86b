import type { Dyno, Engine } from '../engine/engine.ts'
import type { Narrator } from '../model/narrator.ts'

/** How many of its last lines a dyno that failed may show. */
const most = 20

/** Tells what a dyno printed last. */
export async function tellLastLines(
  { engine }: { engine: Pick<Engine, 'dynoOutput'> },
  { id, name }: Dyno,
  { narrator, signal }: { narrator: Narrator; signal: AbortSignal },
): Promise<void> {
  const lines: Buffer[] = []
  for await (const line of engine.dynoOutput(id, { follow: false }, signal)) {
    lines.push(line.text)
    if (lines.length > most) lines.shift()
  }
  if (lines.length > 0) narrator.detail(`Last lines of ${name}:`)
  for (const line of lines) narrator.raw(Buffer.concat([Buffer.from('       '), line, Buffer.from('\n')]))
  const library = missingLibrary(lines)
  if (library)
    narrator.error(`${library} is not installed. Name its Debian package in a file Aptfile, for the buildpack apt.`)
}

/** As ld.so(8) names it, for a program that then exits with 127. */
function missingLibrary(lines: Buffer[]): string | undefined {
  for (const line of lines) {
    const name = /error while loading shared libraries: ([\w.+-]{1,100}): cannot open/.exec(line.toString())?.[1]
    if (name) return name
  }
  return undefined
}
