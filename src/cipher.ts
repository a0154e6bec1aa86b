import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs'
import { PaasError } from './errors.ts'

export const keyBytes = 32
const ivBytes = 12
const tagBytes = 16

/**
 * AES-256-GCM with a random 96-bit nonce per value (NIST SP 800-38D). `context` says where the
 * value belongs (app, key); a value moved to another place in the database does not open there.
 */
export class Cipher {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  seal(text: string, ...context: string[]): Buffer {
    const iv = randomBytes(ivBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(bind(context))
    return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  }

  /** A key of its own for another purpose (HKDF, RFC 5869). */
  secretFor(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#key, '', purpose, keyBytes))
  }

  /**
   * @throws database_damaged when the bytes, the context or the key are not those it was sealed
   *   with
   */
  open(sealed: Uint8Array, ...context: string[]): string {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, ivBytes), {
        authTagLength: tagBytes,
      })
      decipher.setAAD(bind(context)).setAuthTag(bytes.subarray(-tagBytes))
      return decipher.update(bytes.subarray(ivBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8')
    } catch (cause) {
      throw new PaasError('database_damaged', 'An encrypted value in the database is damaged.', { cause })
    }
  }
}

/**
 * A file with a new key, unless there is one. Linked into place with its content, so that of two
 * processes at the first start both read the same key.
 */
export function createKey(path: string, mode = 0o600): void {
  if (existsSync(path)) return
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, randomBytes(keyBytes), { mode, flag: 'wx', flush: true })
  try {
    linkSync(draft, path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  } finally {
    rmSync(draft)
  }
}

function bind(context: string[]): Buffer {
  return Buffer.from(JSON.stringify(context))
}
