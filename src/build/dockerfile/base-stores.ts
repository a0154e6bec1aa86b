import type { SandboxSpec } from '../../engine/engine.ts'
import { baseNames, type BaseName, type Toolbox } from '../toolbox.ts'

/** Where builders find the images that a Dockerfile can begin with. */
export async function baseStores(toolbox: Pick<Toolbox, 'baseImage'>): Promise<NonNullable<SandboxSpec['stores']>> {
  return Promise.all(
    baseNames.map(async (name) => ({ digest: (await toolbox.baseImage(name)).digest, at: storeOf(name) })),
  )
}

export function storeOf(name: BaseName): string {
  return `/bases/${name}`
}
