import { statfs } from 'node:fs/promises'
import type { EngineInfo } from '../engine.ts'

/** Bytes; undefined when the engine's directory is not on this machine, or may not be asked. */
export async function freeDisk({ machine }: { machine: () => Promise<EngineInfo> }): Promise<number | undefined> {
  const { rootDirectory } = await machine()
  const found = await statfs(rootDirectory).catch(() => undefined)
  return found && found.bavail * found.bsize
}
