import { PaasError } from '../../errors.ts'

/** Bytes of a line that is looked at; a longer one is passed on as it is. */
const longest = 64 * 1024
/** Characters of a step that are told. */
const longestTold = 300

/** The output of a builder, line by line as it comes, without what nobody wants to know. */
export class StepLines {
  readonly #write: (chunk: Buffer) => void
  #pending = Buffer.alloc(0)

  constructor(write: (chunk: Buffer) => void) {
    this.#write = write
  }

  /** @throws build_failed at a step that asks for what the builder would pass over in silence */
  feed(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    for (let end; (end = this.#pending.indexOf('\n') + 1) > 0;) {
      this.#line(this.#pending.subarray(0, end))
      this.#pending = this.#pending.subarray(end)
    }
    if (this.#pending.length > longest) this.end()
  }

  end(): void {
    this.#write(this.#pending)
    this.#pending = Buffer.alloc(0)
  }

  #line(line: Buffer): void {
    const text = line.toString('latin1').trimEnd()
    if (isOwnDoing(text)) return
    this.#write(line)
    const step = stepIn(text)
    if (step === undefined || !asksForNetwork(step)) return
    const message = `${step.slice(0, longestTold)}: steps use the network of the build.`
    throw new PaasError('build_failed', message, { hint: 'Remove --network.' })
  }
}

/** What the builder says of what it does between the steps. */
function isOwnDoing(line: string): boolean {
  const said = withoutStage(line)
  if (/^--> [0-9a-f]+$/.test(said)) return said.length === '--> '.length + 12
  if (said === 'COMMIT' || said === 'COMMIT result' || said === 'Successfully tagged localhost/result:latest')
    return true
  return said.startsWith('subprocess exited with status ') || said.startsWith('Resolving "')
}

/** `[1/2] STEP 3/4: RUN true` → `RUN true`. */
function stepIn(line: string): string | undefined {
  const said = withoutStage(line)
  return said.startsWith('STEP ') ? said.slice(said.indexOf(': ') + 2) : undefined
}

/** Stages are told apart by their numbers. */
function withoutStage(line: string): string {
  return /^\[\d+\/\d+\] /.test(line) ? line.slice(line.indexOf(' ') + 1) : line
}

function asksForNetwork(step: string): boolean {
  const [instruction, ...words] = step.split(' ')
  if (instruction !== 'RUN') return false
  const command = words.findIndex((word) => !word.startsWith('--'))
  return words.slice(0, command).some((word) => word.startsWith('--network=') && word !== '--network=default')
}
