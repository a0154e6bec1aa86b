import type { FastifyReply } from 'fastify'
import type { App } from '../../model/app.ts'
import type { ApiDeps } from '../deps.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'queue' | 'log'> & { config: Pick<ApiDeps['config'], 'acme'> }

/** Visitors of an app's domains may be shown another certificate, and one may have to be got. */
export async function wakeBoth(deps: Deps, reply: FastifyReply, app: App): Promise<void> {
  await wake(deps, reply, { kind: 'converge', appId: app.id })
  if (deps.config.acme !== undefined) await wake(deps, reply, { kind: 'certificates' })
}
