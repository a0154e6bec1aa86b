import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import type { Act } from '../../model/audit.ts'
import type { Store } from '../../store/store.ts'
import type { Api } from '../deps.ts'
import { actOf } from './act.ts'

type Used = Pick<Store, 'apps' | 'audit' | 'tokens'>

/** A request that changes something, and why it fails, once that is known. */
type Doing = { act: Act; failure?: string }

/**
 * Writes every change that a request makes into the audit log, in the transaction that makes it.
 * What the record has nothing of (a restart) is written before the request is answered.
 */
export function recordActs(api: Api, { store }: { store: Used }): void {
  const { audit } = store
  const doing = new WeakMap<FastifyRequest, Doing>()

  // The last hook before the handler, whose own work is all that belongs to the act.
  api.addHook('preHandler', (request, _reply, next) => {
    const act = actOf(store, request)
    if (!act) return next()
    doing.set(request, { act })
    audit.during(act, next)
  })
  api.addHook('onError', async (request, _reply, error) => {
    const done = doing.get(request)
    if (done) done.failure = error instanceof PaasError ? error.code : 'internal'
  })
  api.addHook('onSend', async (request, reply) => {
    const done = doing.get(request)
    if (!done) return
    doing.delete(request)
    audit.end(done.act, reply.statusCode < 400 ? undefined : (done.failure ?? `status ${reply.statusCode}`))
  })
}
