import { existsSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { OutputId } from '../model/output.ts'

/**
 * A build's output on disk: `log` has every byte that was written, `end` exists once nothing more
 * will come. Redis only carries the same bytes sooner; whatever it loses is here.
 */
export type OutputFiles = { log: string; end: string }

export function outputFiles(directory: string, id: OutputId): OutputFiles {
  return { log: join(directory, `${id}.log`), end: join(directory, `${id}.end`) }
}

export function hasBegun(files: OutputFiles): boolean {
  return existsSync(files.log) || existsSync(files.end)
}

export function hasEnded(files: OutputFiles): boolean {
  return existsSync(files.end)
}

/** Pieces of the file from byte `offset` to its present end; none if there is no file. */
export async function* readFrom(path: string, offset: number): AsyncGenerator<Buffer> {
  const file = await open(path, 'r').catch(absent)
  if (!file) return
  try {
    const buffer = Buffer.allocUnsafe(64 * 1024)
    for (let position = offset; ;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
      if (bytesRead === 0) return
      yield Buffer.from(buffer.subarray(0, bytesRead))
      position += bytesRead
    }
  } finally {
    await file.close()
  }
}

/**
 * Removes what a build printed. With `keepEnd` its readers still come to an end instead of waiting
 * for a first byte.
 */
export async function removeOutput(directory: string, id: OutputId, { keepEnd }: { keepEnd: boolean }): Promise<void> {
  const files = outputFiles(directory, id)
  await rm(files.log, { force: true })
  if (!keepEnd) await rm(files.end, { force: true })
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
