import { PaasError } from '../errors.ts'

/** What `--num` says. @throws usage unless it is from 1 to `most` */
export function parseCount(text: string, most = 999): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= most) return count
  throw new PaasError('usage', `--num is "${text}"; it must be 1 to ${most}.`)
}
