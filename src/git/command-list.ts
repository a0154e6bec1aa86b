import type { Readable } from 'node:stream'
import { PaasError } from '../errors.ts'
import { lineOf, PacketParser } from './pkt-line.ts'

/** One line of a push: `old new ref`, 40 hex digits each; zeros for what does not exist. */
export type RefCommand = { old: string; new: string; ref: string }

/** The beginning of a push, as the client sent it. */
export type CommandList = {
  commands: RefCommand[]
  /** Commits whose parents the client's shallow clone lacks. */
  shallow: string[]
  capabilities: ReadonlySet<string>
}

export type PushHead = {
  list: CommandList
  /** Exactly the bytes of the list, its flush included. */
  bytes: Buffer
  /** What was read beyond them: push options or the beginning of the pack. */
  rest: Buffer
  /** There are more refs than were read. */
  isCut: boolean
}

/** Refs in one push. */
const mostRefs = 5_000
/** Bytes of their list that are looked at. */
const longestList = 4 * 2 ** 20
/** Bytes of one ref's name; node-git-server's pattern takes time quadratic in it. */
const longestRef = 400

/**
 * Reads the head of a push up to its flush, however it is cut into chunks; the stream is left
 * behind that, or behind 4 MiB of it.
 * @throws bad_request for what is no such list
 */
export async function readPushHead(body: Readable): Promise<PushHead> {
  const parser = new PacketParser()
  const payloads: Buffer[] = []
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    parser.push(chunk)
    const isCut = !takeList(parser, payloads)
    if (isCut && length <= longestList) continue
    const bytes = Buffer.concat(chunks).subarray(0, length - parser.rest.length)
    return { list: parseList(payloads), bytes, rest: parser.rest, isCut }
  }
  throw malformed('it ended within the list of refs')
}

/** Whoever pushes more gets a report for those that were read. @throws payload_too_large */
export function checkCount({ list, isCut }: PushHead): void {
  if (!isCut && list.commands.length <= mostRefs) return
  throw new PaasError('payload_too_large', `The push has more than ${mostRefs} refs, the limit.`, {
    hint: 'Push the branch that deploys, and tags in parts.',
  })
}

/** True once the flush is there. */
function takeList(parser: PacketParser, payloads: Buffer[]): boolean {
  try {
    for (let next = parser.next(); next !== undefined; next = parser.next()) {
      if (next === null) return true
      payloads.push(next)
    }
    return false
  } catch (cause) {
    throw malformed('it has a broken packet', cause)
  }
}

function parseList(payloads: Buffer[]): CommandList {
  const shallow: string[] = []
  const commands: RefCommand[] = []
  let capabilities: ReadonlySet<string> = new Set()
  for (const payload of payloads) {
    const [line = '', offered] = lineOf(payload).split('\0', 2)
    const border = /^shallow ([0-9a-f]{40})$/.exec(line)
    if (border?.[1]) shallow.push(border[1])
    else commands.push(parseCommand(line))
    if (offered !== undefined) capabilities = new Set(offered.trim().split(' '))
  }
  return { commands, shallow, capabilities }
}

function parseCommand(line: string): RefCommand {
  const [, old, next, ref] = /^([0-9a-f]{40}) ([0-9a-f]{40}) ([^\0-\x20\x7f]+)$/.exec(line) ?? [] // oxlint-disable-line no-control-regex
  if (!old || !next || !ref) throw malformed('it has a line without a ref')
  if (Buffer.byteLength(ref) > longestRef) throw malformed(`it has a ref of more than ${longestRef} bytes`)
  return { old, new: next, ref }
}

function malformed(problem: string, cause?: unknown): PaasError {
  return new PaasError('bad_request', `This is not a valid push: ${problem}.`, { cause })
}
