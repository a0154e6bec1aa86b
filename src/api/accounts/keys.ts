import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { Account } from '../../model/account.ts'
import type { Key } from '../../model/key.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { time } from '../http/shapes.ts'
import { parseSshKey } from './ssh-key.ts'

/** The most one account may have. */
const mostKeys = 100

const newKey = Type.Object({ public_key: Type.String({ maxLength: 16_384 }) }, { additionalProperties: false })

type Params = { Params: { key: string } }

/**
 * The account's public SSH keys: kept for `keys:*` of Heroku's command. Git is served over HTTP,
 * where tokens count.
 */
export function keyRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  const config = { scope: 'global' } as const

  api.get('/account/keys', { config }, (request, reply) => {
    const { account } = request.identity
    const order = { id: (key: Key) => key.id, fingerprint: (key: Key) => key.fingerprint }
    return page(request, reply, store.keys.list(account.id), order).map((key) => keyJson(account, key))
  })

  api.post('/account/keys', { config, schema: { body: newKey } }, (request, reply) => {
    const { account } = request.identity
    const key = parseSshKey(request.body.public_key)
    if (store.keys.list(account.id).length >= mostKeys) {
      throw new PaasError('invalid_params', `An account has at most ${mostKeys} keys.`)
    }
    reply.code(201)
    return keyJson(account, store.keys.create({ accountId: account.id, ...key }))
  })

  api.get<Params>('/account/keys/:key', { config }, ({ identity: { account }, params }) =>
    keyJson(account, keyOf(store, account, params.key)),
  )

  api.delete<Params>('/account/keys/:key', { config }, ({ identity: { account }, params }) => {
    const key = keyOf(store, account, params.key)
    store.keys.remove(key.id)
    return keyJson(account, key)
  })
}

/** @throws not_found */
function keyOf({ keys }: Pick<ApiDeps['store'], 'keys'>, account: Account, idOrFingerprint: string): Key {
  const found = keys
    .list(account.id)
    .find(({ id, fingerprint }) => [id, fingerprint].includes(idOrFingerprint as never))
  if (found) return found
  throw new PaasError('not_found', `You have no key ${JSON.stringify(idOrFingerprint)}.`, {
    hint: 'See yours with: paas keys',
  })
}

function keyJson(account: Account, key: Key): object {
  return {
    comment: key.comment,
    created_at: time(key.createdAt),
    email: account.email,
    fingerprint: key.fingerprint,
    id: key.id,
    public_key: key.publicKey,
    updated_at: time(key.createdAt),
  }
}
