import { StringDecoder } from 'node:string_decoder'
import { packNames } from './packs.ts'
import type { Pack } from './detect.ts'

/** The most a build may answer, in UTF-16 units; ours answer a few lines. */
const mostText = 64 * 1024

/** A directory of the app that is the same as long as its fingerprint is. */
export type Layer = { directory: string; fingerprint: string }

/** What `buildpacks/bin/build` says on its standard error, of which the build's own code may have forged any part. */
export class Answers {
  readonly packs: Pack[] = []
  /** All packs were asked. */
  complete = false
  undetected: string | undefined
  reason = ''
  readonly layers: Layer[] = []
  /** YAML of bin/release. */
  release = ''
  readonly #onCompiling: () => void
  readonly #decoder = new StringDecoder('utf8')
  #text = ''
  #released = false

  /** @param onCompiling called when all packs are known */
  constructor(onCompiling: () => void) {
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
    else if (word === 'compiling') this.#compiling()
    else if (word === 'failed') this.reason = rest
    else if (word === 'layer') this.#layer(rest)
    else if (word === 'release') this.#released = true
  }

  #compiling(): void {
    this.complete = true
    this.#onCompiling()
  }

  #detected(rest: string): void {
    const [, known, name] = /^(\S+) (.+)$/.exec(rest) ?? []
    const pack = packNames.find((candidate) => candidate === known)
    if (pack && name) this.packs.push({ pack, name })
  }

  #layer(rest: string): void {
    const [, directory, fingerprint] = /^(\S{1,200}) ([0-9a-f]{64})$/.exec(rest) ?? []
    if (directory && fingerprint) this.layers.push({ directory, fingerprint })
  }
}
