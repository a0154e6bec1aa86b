/**
 * What is done by the general builder: it knows all that a Dockerfile can say, and takes its time
 * for each step.
 */
export class NotPlain extends Error {}

export type Instruction = {
  /** In capitals: `COPY`. */
  name: string
  /** `--from=x` → `from`: `x`; without a value: an empty text. */
  flags: [name: string, value: string][]
  /** What follows the flags. */
  text: string
  /** The same, where it is an array of words as JSON has them. */
  words: string[] | undefined
  /** In one line, as it is shown. */
  original: string
}

const names = new Set(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(' '),
)
const withFlags = new Set(['ADD', 'COPY', 'FROM', 'HEALTHCHECK', 'RUN'])

/**
 * Reads a Dockerfile (docs.docker.com/reference/dockerfile, "Format").
 * @throws NotPlain for what is rare or wrong
 */
export function parse(dockerfile: string): Instruction[] {
  if (/^#\s*escape\s*=/im.test(dockerfile)) throw new NotPlain('another escape character')
  return logicalLines(dockerfile.replace(/^\ufeff/, '')).map(instruction)
}

/** Joins what a backslash continues; comments and empty lines in between are left out. */
function logicalLines(dockerfile: string): string[] {
  const lines: string[] = []
  let pending: string | undefined
  for (const line of dockerfile.split(/\r?\n/)) {
    const start = line.trimStart()
    if (start === '' || start.startsWith('#')) continue
    const continued = /\\[ \t]*$/.exec(line)
    const text: string = (pending ?? '') + (continued ? line.slice(0, continued.index) : line)
    pending = continued ? text : undefined
    if (!continued) lines.push(text.trim())
  }
  if (pending !== undefined) lines.push(pending.trim())
  return lines
}

function instruction(line: string): Instruction {
  const [word = ''] = /^\S*/.exec(line) ?? []
  const name = word.toUpperCase()
  if (!names.has(name)) throw new NotPlain(name)
  const flags: [string, string][] = []
  let text = line.slice(word.length).trim()
  while (withFlags.has(name) && text.startsWith('--')) {
    const [flag = ''] = /^\S+/.exec(text) ?? []
    const [, key = '', value = ''] = /^--([a-z-]+)(?:=(.*))?$/.exec(flag) ?? []
    if (key === '' || /["'\\]/.test(flag)) throw new NotPlain(flag)
    flags.push([key, value])
    text = text.slice(flag.length).trim()
  }
  // A here-document, or a shift within the shell.
  if (text === '' || (name !== 'ENV' && text.includes('<<'))) throw new NotPlain(line)
  return { name, flags, text, words: jsonWords(text), original: line }
}

function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined
  try {
    const words: unknown = JSON.parse(text)
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined
  } catch {
    return undefined
  }
}
