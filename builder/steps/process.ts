import { spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

/** Runs a program of the builder's own; what it says of an error is told with it. */
export async function command(program: string, argv: string[], options: SpawnOptions = {}): Promise<void> {
  const child = spawn(program, argv, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${program}: ${said.trim() || `exit status ${code}`}`)
}

/** Reads what such a program writes, to its end. */
export async function outputOf(
  program: string,
  argv: string[],
  read: (output: Readable) => Promise<void>,
): Promise<void> {
  const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  const [[code]] = await Promise.all([ended, read(child.stdout)])
  if (code !== 0) throw new Error(`${program}: exit status ${code}`)
}
