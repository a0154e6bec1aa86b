import { createHmac, timingSafeEqual } from 'node:crypto'
import { PaasError } from '../../errors.ts'
import type { Grant } from '../../model/grant.ts'

/** Milliseconds an address may be opened. What is open by then continues. */
export const lifetimes = {
  /** For uploads and downloads of files, as on Heroku. */
  file: 3600_000,
  /** For the output of a build or a release command: the longest time a build may take. */
  output: 24 * 3600_000,
  /** For an app's log, as on Heroku. */
  log: 5 * 60_000,
} as const

/** An address stays the same for so much of its time, so that what it stands in does too (ETag). */
const steps = 24

/** What an address opens: of one kind, one thing. */
type Subject = { kind: string; id: string }

/**
 * Addresses that need no token beside them, such as Heroku's clients expect: the last part of each
 * says who asked for it and how long it is good for, signed with 256 bits that nobody can guess.
 * The server keeps nothing for it.
 */
export class Passes {
  readonly #secret: Buffer

  constructor(secret: Buffer) {
    this.#secret = secret
  }

  /**
   * Letters, digits, `-`, `_` and a dot; good for the lifetime and at most 1/24 of it more. `now`
   * is milliseconds since 1970.
   */
  issue(subject: Subject, grant: Grant, lifetime: number, now = Date.now()): string {
    const step = lifetime / steps
    const until = Math.ceil((now + lifetime) / step) * step
    const content = Buffer.from(JSON.stringify({ until, grant })).toString('base64url')
    return `${content}.${this.#sign(subject, content)}`
  }

  /**
   * What the address was given for; whether that still holds is not asked here.
   * @throws not_found for a forged or an expired one
   */
  open(subject: Subject, pass: string, now = Date.now()): Grant {
    const [content = '', signature = ''] = pass.split('.')
    const expected = Buffer.from(this.#sign(subject, content))
    const given = Buffer.from(signature)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new PaasError('not_found', 'There is nothing at this URL.')
    }
    const { until, grant } = JSON.parse(Buffer.from(content, 'base64url').toString()) as { until: number; grant: Grant }
    if (until > now) return grant
    throw new PaasError('not_found', 'This URL has expired.', {
      hint: 'Request a new one as you got this one.',
    })
  }

  #sign({ kind, id }: Subject, content: string): string {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([kind, id, content]))
      .digest('base64url')
  }
}
