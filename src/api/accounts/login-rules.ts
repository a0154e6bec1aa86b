import { randomBytes } from 'node:crypto'
import { PaasError } from '../../errors.ts'

const shortest = 8
const longest = 1024

/** @throws invalid_params */
export function checkEmail(email: string): void {
  if (email.length <= 254 && /^[^\s@:\p{C}]+@[^\s@:\p{C}]+\.[^\s@:.\p{C}]+$/u.test(email)) return
  throw new PaasError('invalid_params', `${JSON.stringify(email.slice(0, 100))} is not an email address.`)
}

/** Length only, as NIST SP 800-63B advises. @throws invalid_params */
export function checkPassword(password: string): void {
  if (password.length >= shortest && password.length <= longest) return
  throw new PaasError('invalid_params', `A password must have ${shortest} to ${longest} characters.`)
}

export function generatePassword(): string {
  return randomBytes(18).toString('base64url')
}
