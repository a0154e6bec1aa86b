import { isCode } from '../errors.ts'

/** Milliseconds until a target that refused is asked again: ever longer, to the last. */
const pauses = [14_000, 30_000, 60_000]

/** What a target refused with last. Meanwhile nobody asks it: it would be asked for each add-on. */
export class Outage {
  #refusal: unknown
  #count = 0
  #until = 0

  get isOn(): boolean {
    return this.#refusal !== undefined
  }

  /** @throws what it refused with, until it is asked again */
  check(): void {
    if (this.isOn && performance.now() < this.#until) throw this.#refusal
  }

  /** Of what one add-on failed with; only the target's refusal is about all. */
  note(cause: unknown): void {
    if (!isCode(cause, 'backup_target_refused') || cause === this.#refusal) return
    this.#refusal = cause
    this.#until = performance.now() + pauses[Math.min(this.#count++, pauses.length - 1)]!
  }

  /** It took something. */
  end(): void {
    this.#refusal = undefined
    this.#count = 0
  }
}
