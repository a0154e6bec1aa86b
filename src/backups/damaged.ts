import { PaasError } from '../errors.ts'

export function damaged(what: string): PaasError {
  return new PaasError('backup_damaged', `The backup cannot be used: ${what}.`)
}
