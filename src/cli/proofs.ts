import { setTimeout as delay } from 'node:timers/promises'
import { PaasError } from '../errors.ts'
import { progress } from './output.ts'
import type { AddonProofJson } from './resources/data.ts'
import type { Client } from './client.ts'

/**
 * Has the newest backup of something restored, and waits for what comes of it.
 * @param path of the add-on or volume
 */
export async function askProof(api: Client, { name, path }: { name: string; path: string }): Promise<AddonProofJson> {
  const asked = await api.post<AddonProofJson>(`${path}/actions/prove`, {})
  return progress(
    `Restoring the newest backup of ${name}`,
    untilProven(() => api.get<AddonProofJson>(`${path}/proofs/${asked.id}`)),
    (proof) => (proof.status === 'succeeded' ? `and it is whole${notCompared(proof)}` : 'and it is NOT whole'),
  )
}

/** It was restored and answers, but there was nothing to compare it with. */
export function notCompared({ compared }: { compared: boolean | null }): string {
  return compared === false ? ' (not compared)' : ''
}

/** @throws backup_damaged if one of them is not whole */
export function checkProven(proofs: AddonProofJson[], hint: string): void {
  const bad = proofs.find(({ status }) => status === 'failed')
  if (bad) throw new PaasError('backup_damaged', bad.reason ?? 'It could not be restored.', { hint })
}

async function untilProven(look: () => Promise<AddonProofJson>): Promise<AddonProofJson> {
  for (;;) {
    const proof = await look()
    if (proof.status === 'succeeded' || proof.status === 'failed') return proof
    await delay(500)
  }
}
