import { PaasError } from '../errors.ts'

/**
 * Asks the user to type the name of what will be destroyed, unless `given` is that name.
 * @throws confirmation_required
 */
export async function confirm(
  what: string,
  { name, given, command }: { name: string; given?: string; command: string },
): Promise<void> {
  if (given === name) return
  const required = (reason: string): PaasError =>
    new PaasError('confirmation_required', `${what} ${reason}`, { hint: `Confirm with: ${command}` })
  if (given !== undefined) throw required(`"${given}" is not its name; nothing was done.`)
  if (!process.stdin.isTTY) throw required('Nothing was done.')
  // Loaded only here: readline takes a tenth of the time of a whole command.
  const { Prompt } = await import('./prompt.ts')
  using prompt = new Prompt()
  const typed = await prompt.ask(`${what} Type ${name} to continue`)
  if (typed !== name) throw required(`"${typed}" is not its name; nothing was done.`)
}
