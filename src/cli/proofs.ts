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
    outcome,
  )
}

function outcome(proof: AddonProofJson): string {
  if (proof.status === 'succeeded') return `and it is whole${notCompared(proof)}`
  return proof.status === 'unproven' ? 'which could NOT be tried' : 'and it is NOT whole'
}

/** It was restored and answers, but there was nothing to compare it with. */
export function notCompared({ compared }: { compared: boolean | null }): string {
  return compared === false ? ' (not compared)' : ''
}

/** @throws backup_damaged if one of them is not whole, backup_unproven if one could not be tried */
export function checkProven(proofs: AddonProofJson[], hint: string): void {
  const bad = proofs.find(({ status }) => status === 'failed')
  if (bad) throw new PaasError('backup_damaged', bad.reason ?? 'It could not be restored.', { hint })
  const untried = proofs.find(({ status }) => status === 'unproven')
  if (untried) throw new PaasError('backup_unproven', untried.reason ?? 'It could not be tried.')
}

async function untilProven(look: () => Promise<AddonProofJson>): Promise<AddonProofJson> {
  for (;;) {
    const proof = await look()
    if (proof.status !== 'asked' && proof.status !== 'running') return proof
    await delay(500)
  }
}
