import { leavesColourOn } from '../model/clean-line.ts'
import { LineCutter, maskLine } from './line-cutter.ts'
import { createMask } from './mask.ts'
import type { Narrator } from '../model/narrator.ts'
import type { ConfigVars } from '../model/release.ts'

/**
 * What packs may print in one build, in UTF-16 units. The platform's own lines always come through.
 */
export const mostPackOutput = 16 * 2 ** 20

type OutputOptions = {
  /** Gets clean text: one or more whole lines, each with its newline. */
  write: (text: string) => void
  /** The config vars of the app: none of their values is ever written. */
  config: ConfigVars
  /** What packs, or an app's command, may print; UTF-16 units. */
  most?: number
}

/**
 * A build's output in Heroku's form: `-----> ` topic, seven spaces of detail, ` !     ` error, and
 * the packs' own lines made harmless. Nothing is held back but the line that has no newline yet;
 * `end` writes that one too.
 */
export function createNarrator({ write, config, most = mostPackOutput }: OutputOptions): Narrator & { end(): void } {
  const mask = createMask(config)
  const lines = new LineCutter(mask)
  let packOutput = 0
  let colourOn = false

  const writePackLines = (cut: string[]) => {
    if (cut.length === 0 || packOutput > most) return
    const text = `${cut.join('\n')}\n`
    packOutput += text.length
    colourOn = cut.reduce((on, line) => leavesColourOn(line, on), colourOn)
    write(text)
    if (packOutput > most) say(' !     ', `The output is cut at ${most / 2 ** 20} MiB. The build continues.`)
  }
  const say = (prefix: string, text: string) => {
    const reset = colourOn ? '\u001b[0m' : ''
    colourOn = false
    const told = text.split('\n').map((line) => `${prefix}${maskLine(line, mask)}\n`)
    write(reset + told.join(''))
  }
  const interrupt = (prefix: string, text: string) => {
    writePackLines(lines.end())
    say(prefix, text)
  }
  return {
    topic: (text) => interrupt('-----> ', text),
    detail: (text) => interrupt('       ', text),
    error: (text) => interrupt(' !     ', text),
    raw: (chunk) => writePackLines(lines.feed(chunk)),
    hide: (more) => mask.add(more),
    end: () => {
      writePackLines(lines.end())
      if (colourOn) write('\u001b[0m')
    },
  }
}
