import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import { PaasError } from '../errors.ts'

/** Asks questions on stderr and reads the answers, line by line, from the terminal or a pipe. */
export class Prompt implements Disposable {
  #silent = false
  readonly #reader: Interface
  readonly #lines: AsyncIterator<string>

  constructor() {
    const terminal = process.stdin.isTTY
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (!this.#silent) process.stderr.write(chunk)
        done()
      },
    })
    this.#reader = createInterface({ input: process.stdin, output, terminal })
    this.#reader.on('SIGINT', () => process.exit(130))
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  /**
   * The answer without spaces around it; `usual` for an empty one.
   * @throws input_missing at the end of the input
   */
  async ask(question: string, usual = ''): Promise<string> {
    process.stderr.write(usual ? `${question} [${usual}]: ` : `${question}: `)
    return (await this.#line(question)).trim() || usual
  }

  /** What is typed is not shown. */
  async askSecret(question: string): Promise<string> {
    process.stderr.write(`${question}: `)
    this.#silent = true
    try {
      return await this.#line(question)
    } finally {
      this.#silent = false
      if (process.stdin.isTTY) process.stderr.write('\n')
    }
  }

  async #line(question: string): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (!done) return value
    process.stderr.write('\n')
    throw new PaasError('input_missing', `There was no answer to "${question}": stdin ended.`)
  }

  [Symbol.dispose](): void {
    this.#reader.close()
  }
}
