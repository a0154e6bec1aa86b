import type { Client } from './client.ts'
import type { AppJson, FormationJson } from './resources/apps.ts'
import type { BuildJson } from './resources/builds.ts'

/** Why an app has no dynos, and what to do. */
export async function whyNone(api: Client, { app, path }: { app: string; path: string }): Promise<string> {
  const formation = await api.get<FormationJson[]>(`${path}/formation`)
  const type = formation.find((share) => share.type === 'web')?.type ?? formation[0]?.type
  const { released_at: releasedAt } = await api.get<AppJson>(path)
  if (type !== undefined && releasedAt !== null)
    return `${app} has no dynos: it is scaled to zero. Start one with: paas ps:scale ${type}=1 -a ${app}`
  const [build] = await api.get<BuildJson[]>(`${path}/builds`, 'created_at ..; order=desc,max=1')
  return `${app} has no dynos: ${noCode(app, build)}`
}

function noCode(app: string, build: BuildJson | undefined): string {
  switch (build?.state) {
    case undefined:
      return 'it has no code yet. Deploy it: git push paas main'
    case 'pending':
    case 'running':
      return `its first deploy is running. Follow it with: paas builds:output -a ${app}`
    case 'failed':
      return `its last deploy failed (${build.failure?.message ?? 'for no known reason'}). See: paas builds:output -a ${app}`
    case 'cancelled':
    case 'superseded':
      return 'its last deploy did not finish. Push again: git push paas main'
    case 'succeeded':
      return 'its code has no process type to run. Add a Procfile, and push'
  }
}
