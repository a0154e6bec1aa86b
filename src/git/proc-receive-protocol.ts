import type { Readable } from 'node:stream'
import type { RefCommand } from './command-list.ts'
import type { HookWire } from './hook-server.ts'
import { flush, lineOf, packet, PacketParser, type Packet } from './pkt-line.ts'

/** What git asks of the proc-receive hook (githooks(5)). */
export type Asked = {
  commands: RefCommand[]
  options: string[]
  /** All refs succeed or all fail. */
  atomic: boolean
}

/**
 * The answer for one ref. `moved`: where to, if not to what was pushed. `let-through`: git moves it
 * itself.
 */
export type RefVerdict = { kind: 'ok'; moved?: string } | { kind: 'let-through' } | { kind: 'refused'; reason: string }

/** Agrees on the version and reads commands and push options. @throws Error when this is not git */
export async function readAsked(wire: HookWire): Promise<Asked> {
  const packets = packetsOf(wire.input)
  const [hello = ''] = await section(packets)
  const [, version, features = ''] = /^version=(\d+)(?:\0(.*))?$/s.exec(hello) ?? []
  if (version !== '1') throw new Error(`proc-receive protocol ${JSON.stringify(hello)} is not known`)
  const wanted = features.split(' ').filter((feature) => ['push-options', 'atomic'].includes(feature))
  wire.write(Buffer.concat([packet(`version=1\0${wanted.join(' ')}\n`), flush]))
  const commands = (await section(packets)).map(toCommand)
  const options = wanted.includes('push-options') ? await section(packets) : []
  return { commands, options, atomic: wanted.includes('atomic') }
}

/** Reports a verdict for each ref, in the order git asked. */
export function report(wire: HookWire, verdicts: { ref: string; verdict: RefVerdict }[]): void {
  const lines = verdicts.flatMap(({ ref, verdict }) => {
    if (verdict.kind === 'refused') return [`ng ${ref} ${verdict.reason}\n`]
    const ok = `ok ${ref}\n`
    if (verdict.kind === 'let-through') return [ok, 'option fall-through\n']
    return verdict.moved === undefined ? [ok] : [ok, `option new-oid ${verdict.moved}\n`]
  })
  wire.write(Buffer.concat([...lines.map((line) => packet(line)), flush]))
}

async function* packetsOf(input: Readable): AsyncGenerator<Packet> {
  const parser = new PacketParser()
  for await (const chunk of input as AsyncIterable<Buffer>) {
    parser.push(chunk)
    for (let next = parser.next(); next !== undefined; next = parser.next()) yield next
  }
}

/** The lines up to the next flush. */
async function section(packets: AsyncGenerator<Packet>): Promise<string[]> {
  const lines: string[] = []
  for (;;) {
    const { done, value } = await packets.next()
    if (done) throw new Error('git ended in the middle of its questions')
    if (value === null) return lines
    lines.push(lineOf(value))
  }
}

function toCommand(line: string): RefCommand {
  const [, old, next, ref] = /^([0-9a-f]{40}) ([0-9a-f]{40}) (.+)$/.exec(line) ?? []
  if (!old || !next || !ref) throw new Error(`git asked for ${JSON.stringify(line)}`)
  return { old, new: next, ref }
}
