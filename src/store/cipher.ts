import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { PaasError } from '../errors.ts'
import type { Database } from './database.ts'

const keyBytes = 32
const ivBytes = 12
const tagBytes = 16

/**
 * AES-256-GCM with a random 96-bit nonce per value (NIST SP 800-38D). `context` says where the value belongs (app, key);
 * a value moved to another place in the database does not open there.
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

  /** @throws database_damaged when the bytes, the context or the key are not those it was sealed with */
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
 * The cipher of this database. Its key is made at the first start, in a file of its own so that a copy of the database alone tells nothing.
 * @throws data_key_wrong when the file is missing, malformed, or another database's
 */
export function openCipher(db: Database, keyPath: string): Cipher {
  const check = keyCheckOf(db)
  if (!check && !existsSync(keyPath)) createKey(keyPath)
  const cipher = new Cipher(readKey(keyPath))
  if (check) verify(cipher, check, keyPath)
  else db.run('UPDATE meta SET key_check = :check WHERE key_check IS NULL', { check: cipher.seal('paas', 'key check') })
  return cipher
}

/** Whether the key is this database's. Makes none. @throws data_key_wrong */
export function checkKey(db: Database, keyPath: string): void {
  const check = keyCheckOf(db)
  if (check) verify(new Cipher(readKey(keyPath)), check, keyPath)
}

function keyCheckOf(db: Database): Uint8Array | null | undefined {
  return db.get<{ key_check: Uint8Array | null }>('SELECT key_check FROM meta')?.key_check
}

/** Linked into place with its content, so that of two processes at the first start both read the same key. */
function createKey(path: string): void {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, randomBytes(keyBytes), { mode: 0o600, flag: 'wx', flush: true })
  try {
    linkSync(draft, path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  } finally {
    rmSync(draft)
  }
}

function readKey(path: string): Buffer {
  if (!existsSync(path)) throw wrongKey(`The key ${path} is missing`)
  const key = readFileSync(path)
  if (key.length !== keyBytes) throw wrongKey(`The key ${path} has ${key.length} bytes instead of ${keyBytes}`)
  return key
}

function verify(cipher: Cipher, check: Uint8Array, path: string): void {
  try {
    cipher.open(check, 'key check')
  } catch (cause) {
    throw wrongKey(`The key ${path} does not belong to this database`, cause)
  }
}

function wrongKey(what: string, cause?: unknown): PaasError {
  return new PaasError('data_key_wrong', `${what}; config vars cannot be read without it.`, { cause })
}

function bind(context: string[]): Buffer {
  return Buffer.from(JSON.stringify(context))
}
