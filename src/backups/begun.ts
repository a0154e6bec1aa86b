import { existsSync } from 'node:fs'
import { appendFile, readFile } from 'node:fs/promises'
import type { Engine } from '../engine/engine.ts'
import type { VolumeKey } from '../engine/volumes.ts'
import type { AddonId } from '../model/ids.ts'
import { removeWhenFree } from '../services/bring-back.ts'

type Undoing = Pick<Engine, 'listServices' | 'stopDyno' | 'removeVolume' | 'removeOrphans'>

/**
 * The volumes that a restore has begun to make, in a file, so that the next one knows which of
 * those that the engine has are no server's yet.
 */
export class Begun {
  readonly #file: string
  readonly #serverId: string

  constructor(file: string, serverId: string) {
    this.#file = file
    this.#serverId = serverId
  }

  /** Before it is made. */
  async note({ id, owner }: VolumeKey): Promise<void> {
    await appendFile(this.#file, `${JSON.stringify({ serverId: this.#serverId, id, owner })}\n`, { mode: 0o600 })
  }
}

/**
 * Removes what a restore has made that came to no end, and the containers of add-ons that use it.
 * @param connect the engine, as the server with that id has it
 */
export async function undoBegun(file: string, connect: (serverId: string) => Undoing): Promise<void> {
  if (!existsSync(file)) return
  for (const line of (await readFile(file, 'utf8')).split('\n').filter((one) => one.endsWith('}'))) {
    const { serverId, ...volume } = JSON.parse(line) as VolumeKey & { serverId: string }
    const engine = connect(serverId)
    for (const { id } of await engine.listServices({ addonId: volume.owner as AddonId })) await engine.stopDyno(id, 0)
    await engine.removeOrphans() // a container that filled the volume when it was killed
    await removeWhenFree(engine, volume)
  }
}
