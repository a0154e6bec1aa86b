import type { Command } from 'commander'
import { defineForApp, type AppOptions } from '../command.ts'
import { print } from '../output.ts'
import { askProof, checkProven } from '../proofs.ts'
import type { AddonProofJson, VolumeBackupsJson } from '../resources/data.ts'
import { connectToApp } from '../session.ts'

export function defineVolumeProofs(program: Command): void {
  defineForApp(program, {
    name: 'volumes:prove',
    arguments: '[name]',
    summary: 'see whether the newest backups of volumes can be restored',
    details:
      'Each is restored into a throw-away volume, and files, bytes and checksums are compared with those noted when it was made. Of one volume, or of all of the app. The server does this after each daily backup.',
    examples: ['paas volumes:prove data -a acme', 'paas volumes:prove -a acme'],
  }).action(prove)
}

async function prove(name: string | undefined, options: AppOptions): Promise<void> {
  const { api, app, path } = await connectToApp(options)
  const all = async () =>
    (await api.get<VolumeBackupsJson[]>(`${path}/volume-backups`)).map(({ volume }) => volume.name)
  const names = name === undefined ? await all() : [name]
  const proofs: AddonProofJson[] = []
  for (const one of names) {
    proofs.push(await askProof(api, { name: one, path: `${path}/volumes/${encodeURIComponent(one)}` }))
  }
  print(options, proofs, () => (proofs.length === 0 ? `${app} has no volumes.` : ''))
  checkProven(proofs, `An earlier one may be whole: paas volumes:backups -a ${app}. The next is a new one.`)
}
