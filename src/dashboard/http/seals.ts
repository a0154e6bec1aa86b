import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Signs what comes back from a browser, for the one session that it was given to. */
export class Seals {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  /**
   * A form's token. Another one each time, so that what compression tells of an answer's length
   * does not tell it (BREACH).
   */
  token(session: string): string {
    return this.seal(randomBytes(9).toString('base64url'), session)
  }

  isToken(token: string, session: string): boolean {
    return this.open(token, session) !== undefined
  }

  /** `text` must have no dot. */
  seal(text: string, session: string): string {
    return `${text}.${this.#sign(text, session)}`
  }

  /** Undefined when it was changed or is another session's. */
  open(sealed: string, session: string): string | undefined {
    const [text = '', signature = ''] = sealed.split('.')
    const [given, expected] = [Buffer.from(signature), Buffer.from(this.#sign(text, session))]
    return given.length === expected.length && timingSafeEqual(given, expected) ? text : undefined
  }

  #sign(text: string, session: string): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([text, session]))
      .digest('base64url')
  }
}
