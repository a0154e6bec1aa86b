import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { AppTransfer } from '../../model/app-transfer.ts'
import { appNamed } from '../http/access.ts'
import { userJson } from './app-json.ts'
import { accountNamed } from './collaborators.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { time } from '../http/shapes.ts'

type Store = ApiDeps['store']

/** `silent` asks for no mail; none is ever sent. */
const newTransfer = Type.Object(
  { app: Type.String(), recipient: Type.String(), silent: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
)
const verdict = Type.Object({ state: Type.Enum(['accepted', 'declined']) }, { additionalProperties: false })

const order = {
  created_at: (transfer: AppTransfer) => transfer.createdAt.toISOString(),
  id: (transfer: AppTransfer) => transfer.id,
}

/** A transfer has two steps: the owner offers the app, the recipient accepts. */
export function appTransferRoutes(api: Api, deps: Pick<ApiDeps, 'store' | 'quotas' | 'platformLog'>): void {
  const { store, platformLog } = deps
  const path = '/account/app-transfers/:transfer'

  api.get('/account/app-transfers', (request, reply) => {
    return page(request, reply, transfersFor(store, request), order).map((transfer) => transferJson(store, transfer))
  })

  api.post('/account/app-transfers', { schema: { body: newTransfer } }, (request, reply) => {
    const app = appNamed(store, request, { idOrName: request.body.app, needed: 'owner' })
    const recipient = accountNamed(store, request.body.recipient)
    if (recipient.id === app.ownerId) {
      throw new PaasError('invalid_params', `${recipient.email} owns ${app.name} already.`)
    }
    const transfer = store.appTransfers.create({ appId: app.id, ownerId: app.ownerId, recipientId: recipient.id })
    reply.code(201)
    return transferJson(store, transfer)
  })

  api.get(path, (request) => transferJson(store, transferOf(store, request)))

  api.patch(path, { schema: { body: verdict } }, (request) => {
    const { account } = request.identity
    const transfer = pendingOf(store, request)
    if (transfer.recipientId !== account.id) {
      throw new PaasError('forbidden', 'Only the recipient can accept or decline a transfer.')
    }
    if (request.body.state === 'declined') return transferJson(store, decline(store, transfer))
    const accepted = accept(deps, transfer)
    platformLog.api(transfer.appId, `Transfer to ${account.email} by user ${account.email}`)
    return transferJson(store, accepted)
  })

  api.delete(path, (request) => {
    const { account } = request.identity
    const transfer = pendingOf(store, request)
    if (transfer.ownerId !== account.id && !account.admin) {
      throw new PaasError('forbidden', 'Only the account that offered the app can cancel the transfer.', {
        hint: 'Decline it with: paas transfers:decline APP',
      })
    }
    store.appTransfers.remove(transfer.id)
    return transferJson(store, transfer)
  })
}

/** The former owner stays an admin of the app. @throws account_limit */
function accept(
  { store, quotas }: Pick<ApiDeps, 'store' | 'quotas'>,
  { id, appId, ownerId, recipientId }: AppTransfer,
): AppTransfer {
  return store.transaction(() => {
    store.collaborators.remove(appId, recipientId)
    store.collaborators.set(appId, ownerId, 'admin')
    quotas.checkApp(recipientId)
    store.apps.setOwner(appId, recipientId)
    quotas.checkDynos({ ownerId: recipientId }, 0)
    return store.appTransfers.setState(id, 'accepted')
  })
}

function decline({ appTransfers }: Store, { id }: AppTransfer): AppTransfer {
  return appTransfers.setState(id, 'declined')
}

/** An admin sees those of everybody: apps outlive the accounts of people who leave. */
function transfersFor({ appTransfers }: Store, { identity: { account } }: FastifyRequest): AppTransfer[] {
  return appTransfers.list(account.admin ? undefined : account.id)
}

/** By its id, or the name of its app, of which the pending one counts most. @throws not_found */
function transferOf(store: Store, request: FastifyRequest): AppTransfer {
  const { transfer: key } = request.params as { transfer: string }
  const named = transfersFor(store, request).filter(
    ({ id, appId }) => id === key || store.apps.get(appId)?.name === key,
  )
  const found = named.find(({ state }) => state === 'pending') ?? named[0]
  if (found) return found
  throw new PaasError('not_found', `You have no transfer ${JSON.stringify(key)}, sent or received.`, {
    hint: 'See them with: paas transfers',
  })
}

/** @throws not_found, invalid_params */
function pendingOf(store: Store, request: FastifyRequest): AppTransfer {
  const transfer = transferOf(store, request)
  store.audit.add({ app: store.apps.get(transfer.appId) ?? null })
  if (transfer.state === 'pending') return transfer
  throw new PaasError('invalid_params', `This transfer is no longer pending: it was ${transfer.state}.`)
}

function transferJson(store: Store, transfer: AppTransfer): object {
  return {
    app: { id: transfer.appId, name: store.apps.get(transfer.appId)?.name ?? '' },
    created_at: time(transfer.createdAt),
    id: transfer.id,
    owner: userJson(store, transfer.ownerId),
    recipient: userJson(store, transfer.recipientId),
    state: transfer.state,
    updated_at: time(transfer.updatedAt),
  }
}
