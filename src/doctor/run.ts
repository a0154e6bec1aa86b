import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What a program prints in English; undefined where it is missing, fails or takes too long. */
export async function output(program: string, argv: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run(program, argv, { timeout: 5_000, env: { ...process.env, LC_ALL: 'C' } })
    return stdout
  } catch {
    return undefined
  }
}
