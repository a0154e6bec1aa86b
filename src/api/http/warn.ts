import type { FastifyReply } from 'fastify'

/**
 * Tells the user more than the answer: `paas` shows the one header (RFC 7234, 5.5), Heroku's
 * command the other. Text of ASCII alone.
 */
export function warn(reply: FastifyReply, text: string): void {
  reply.headers({ Warning: `199 paas "${text}"`, 'Warning-Message': text })
}
