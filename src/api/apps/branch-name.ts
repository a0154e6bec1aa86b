import { PaasError } from '../../errors.ts'

/** The rules of git-check-ref-format(1) for a branch. @throws invalid_params */
export function checkBranch(name: string): void {
  const parts = name.split('/')
  const wrongPart = parts.some((part) => part === '' || part.startsWith('.') || part.endsWith('.lock'))
  const wrongCharacter = /[\p{Cc} ~^:?*[\\]|\.\.|@\{|^-|\.$|^@$/u.test(name)
  if (!wrongPart && !wrongCharacter && name.length <= 200) return
  throw new PaasError('invalid_params', `${JSON.stringify(name.slice(0, 60))} is not a valid branch name.`)
}
