import { createHash, hkdfSync, randomBytes } from 'node:crypto'

/**
 * What all processes have in common that one supervisor starts: a name, and the keys of their TLS
 * session tickets, so that visitors can go on with a session in any of them.
 */
export type Group = { name: string; ticketKeys: Buffer }

/** @param secret of the supervisor; undefined: this process is alone */
export function groupOf(secret = randomBytes(32).toString('base64')): Group {
  const name = createHash('sha256').update(secret).digest('hex').slice(0, 16)
  return { name, ticketKeys: Buffer.from(hkdfSync('sha256', secret, '', 'session tickets', 48)) }
}
