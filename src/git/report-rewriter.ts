import { Transform } from 'node:stream'
import { flush, lineOf, packet, PacketParser, type Packet } from './pkt-line.ts'

/**
 * Returns a better reason for git's own one, or undefined to leave it. `said` is what git told the
 * client before.
 */
export type Explain = (reason: string, said: string) => string | undefined

/**
 * Passes a receive-pack's answer on and rewrites the reasons in its report (`unpack …`, `ng REF …`)
 * to lines that say what to do. For clients with side-band-64k, which is every git since 1.5.6.
 */
export class ReportRewriter extends Transform {
  readonly #explain: Explain
  readonly #outer = new PacketParser()
  readonly #report = new PacketParser()
  #said = ''

  constructor(explain: Explain) {
    super()
    this.#explain = explain
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    try {
      this.#outer.push(chunk)
      for (let next = this.#outer.next(); next !== undefined; next = this.#outer.next()) this.#take(next)
      done()
    } catch (cause) {
      done(cause as Error)
    }
  }

  #take(sent: Packet): void {
    if (sent === null) return void this.push(flush)
    const [band] = sent
    // An empty packet of band 1 is a keep-alive.
    if (band !== 1 || sent.length === 1) {
      if (band === 2) this.#said = (this.#said + sent.toString('utf8', 1)).slice(-4000)
      return void this.push(packet(sent))
    }
    this.#report.push(sent.subarray(1))
    for (let line = this.#report.next(); line !== undefined; line = this.#report.next()) {
      this.push(packet(Buffer.concat([Buffer.from([1]), line === null ? flush : this.#rewrite(line)])))
    }
  }

  #rewrite(payload: Buffer): Buffer {
    const line = lineOf(payload)
    const [, status, reason = ''] = /^(unpack|ng \S+) (.*)$/s.exec(line) ?? []
    // The lines of the refs that follow only say `unpacker error`.
    if (status === 'unpack') this.#said += `${reason}\n`
    const better = status === undefined ? undefined : this.#explain(reason, this.#said)
    return packet(better === undefined ? payload : `${status} ${better}\n`)
  }
}
