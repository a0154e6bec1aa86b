import { existsSync, readFileSync } from 'node:fs'
import { Cipher, createKey, keyBytes } from '../cipher.ts'
import { PaasError } from '../errors.ts'
import type { Database } from './database.ts'

/** The api and the worker both read the key, and may be two users. */
const sharedByGroup = 0o640

/**
 * The cipher of this database. Its key is made at the first start, in a file of its own so that a
 * copy of the database alone tells nothing.
 * @throws data_key_wrong when the file is missing, malformed, or another database's
 */
export function openCipher(db: Database, keyPath: string): Cipher {
  const check = keyCheckOf(db)
  if (!check) createKey(keyPath, sharedByGroup)
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
