import type { Build } from '../model/build.ts'
import type { OutputWriter, OutputWriters } from '../model/output.ts'
import { Pulse } from '../output/pulse.ts'
import type { Store } from '../store/store.ts'

type Used = { outputs: Pick<OutputWriters, 'open'>; store: Pick<Store, 'builds'> }

/** Tells those who read a build's output what it waits for before it has begun. */
export class Waiting implements AsyncDisposable {
  readonly #used: Used
  readonly #build: Build
  #writer: OutputWriter | undefined
  #pulse: Pulse | undefined
  #last = ''

  constructor(used: Used, build: Build) {
    this.#used = used
    this.#build = build
  }

  tell = (text: string): void => {
    if (text === this.#last) return
    this.#last = text
    this.#pulse ??= new Pulse((lines) => this.#write(lines))
    this.#pulse.write(`-----> ${text}\n`)
  }

  /** Whoever superseded or cancelled it meanwhile has ended its output. */
  #write(lines: string): void {
    const { outputs, store } = this.#used
    const kind = store.builds.find(this.#build.id)?.state.kind
    if (kind !== 'pending' && kind !== 'running') return
    this.#writer ??= outputs.open(this.#build.id)
    this.#writer.write(lines)
  }

  /** Its turn has come: others write its output from now on. */
  async end(): Promise<void> {
    this.#pulse?.[Symbol.dispose]()
    await this.#writer?.[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }
}
