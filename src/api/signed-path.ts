import { createHmac, timingSafeEqual } from 'node:crypto'

/** Paths that only those know to whom they were given: whoever has one needs no token. */
export class SignedPaths {
  readonly #secret: Buffer

  constructor(secret: Buffer) {
    this.#secret = secret
  }

  /** 256 bits that nobody can guess, for one thing of one kind. */
  sign(kind: string, id: string): string {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([kind, id]))
      .digest('base64url')
  }

  verify(kind: string, id: string, signature: string): boolean {
    const expected = Buffer.from(this.sign(kind, id))
    const given = Buffer.from(signature)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}
