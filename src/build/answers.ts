import { StringDecoder } from 'node:string_decoder'
import type { AnyPack, Pack } from './detect.ts'

/** The most a build may answer, in UTF-16 units; packs answer a few lines. */
const mostText = 64 * 1024

/** What is said of a pack. */
type Verdict = { pack: AnyPack; text: string }

/** What `buildpacks/bin/build` says on its standard error, of which the build's own code may have forged any part. */
export class Answers {
  readonly packs: Pack[] = []
  /** All packs were asked. */
  complete = false
  undetected: string | undefined
  unusable: Verdict | undefined
  failed: Verdict | undefined
  /** YAML of bin/release. */
  release = ''
  readonly #asked: readonly AnyPack[]
  readonly #onCompiling: () => void
  readonly #decoder = new StringDecoder('utf8')
  #text = ''
  #released = false

  /** @param onCompiling called when all packs are known */
  constructor(asked: readonly AnyPack[], onCompiling: () => void) {
    this.#asked = asked
    this.#onCompiling = onCompiling
  }

  feed(chunk: Buffer): void {
    this.#text = (this.#text + this.#decoder.write(chunk)).slice(0, mostText)
    while (!this.#released) {
      const end = this.#text.indexOf('\n')
      if (end < 0) return
      this.#line(this.#text.slice(0, end))
      this.#text = this.#text.slice(end + 1)
    }
    this.release = this.#text
  }

  #line(line: string): void {
    const [, word, rest = ''] = /^(\w+)(?: (.*))?$/.exec(line) ?? []
    if (word === 'detected') this.#detected(rest)
    else if (word === 'undetected') this.undetected = rest
    else if (word === 'unusable') this.unusable = this.#verdict(rest)
    else if (word === 'compiling') this.#compiling()
    else if (word === 'failed') this.failed = this.#verdict(rest)
    else if (word === 'release') this.#released = true
  }

  #compiling(): void {
    this.complete = true
    this.#onCompiling()
  }

  #detected(rest: string): void {
    const { pack, text } = this.#verdict(rest) ?? {}
    if (pack && text && this.packs.length < this.#asked.length) this.packs.push({ pack, name: text })
  }

  /** Undefined when it is about a pack that nobody asked for. */
  #verdict(rest: string): Verdict | undefined {
    const [, known, text = ''] = /^(\S+)(?: (.*))?$/.exec(rest) ?? []
    const pack = this.#asked.find((candidate) => candidate === known)
    return pack && { pack, text }
  }
}
