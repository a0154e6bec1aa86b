import { open, readFile, rename } from 'node:fs/promises'
import { isCode } from '../../errors.ts'

/**
 * What a server shows at a handshake, as PEM: its certificate, followed by those between it and an
 * authority, and its key.
 */
export type TlsIdentity = { certificate: string; key: string }

/** @returns undefined when there is no such file, or it is not one of `saveIdentity` */
export async function readIdentity(path: string): Promise<TlsIdentity | undefined> {
  const blocks = blocksOf((await readIfThere(path)) ?? '')
  const key = blocks.find((text) => text.includes('PRIVATE'))
  const certificate = blocks.filter((text) => text !== key).join('')
  return key === undefined || certificate === '' ? undefined : { certificate, key }
}

function blocksOf(text: string): string[] {
  const [, ...rest] = text.split('-----BEGIN ')
  return rest.map((block) => `-----BEGIN ${block}`).filter((block) => block.endsWith('-----\n'))
}

/** In one file, for this user only: a certificate without its key is of no use. */
export async function saveIdentity(path: string, { certificate, key }: TlsIdentity): Promise<void> {
  await saveWhole(path, certificate + key, 0o600)
}

/** Whole or not at all, also when the machine stops in between. */
export async function saveWhole(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.new`
  {
    await using file = await open(draft, 'w', mode)
    await file.writeFile(text)
    await file.sync()
  }
  await rename(draft, path)
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined
    throw cause
  }
}
