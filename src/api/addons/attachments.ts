import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { AddonAttachment } from '../../model/addon.ts'
import type { App } from '../../model/app.ts'
import type { Release } from '../../model/release.ts'
import { createAddonRelease } from '../../release/create.ts'
import { sayWhoReleases } from '../../release/say-who.ts'
import type { Api } from '../deps.ts'
import { appNamed, appOf } from '../http/access.ts'
import { page } from '../http/page.ts'
import { wake } from '../http/wake.ts'
import { attachmentJson } from './addon-json.ts'
import { attachAddon, detachAddon } from '../../services/attach.ts'
import { servicesOf, type AddonDeps } from './deps.ts'
import { addonNamed, addonOf, attachmentOf, attachmentsCalled, attachmentsSeen } from './find.ts'
import { serviceCalled } from '../../services/asked.ts'

const closed = { additionalProperties: false }
const name = Type.String({ maxLength: 200 })
const named = Type.Union([name, Type.Object({ name: Type.Optional(name), id: Type.Optional(name) }, closed)])
const orNull = Type.Optional(Type.Union([name, Type.Null()]))
const newAttachment = Type.Object(
  {
    addon: named,
    app: named,
    confirm: orNull,
    name: orNull,
    namespace: orNull,
    namespace_config: Type.Optional(Type.Unknown()),
  },
  closed,
)

export function keyOf(asked: string | { name?: string; id?: string }): string {
  return typeof asked === 'string' ? asked : (asked.id ?? asked.name ?? '')
}

export function addonAttachmentRoutes(api: Api, deps: AddonDeps): void {
  const { store } = deps
  const list = (request: FastifyRequest, reply: FastifyReply, all: AddonAttachment[]): object[] => {
    const told = { store, services: servicesOf(deps), request }
    return page(request, reply, all, { name: (one) => one.name }).map((one) => attachmentJson(told, one))
  }
  const one = (request: FastifyRequest, attachment: AddonAttachment): object =>
    attachmentJson({ store, services: servicesOf(deps), request }, attachment)

  api.get('/addon-attachments', (request, reply) => list(request, reply, attachmentsSeen(store, request)))

  api.get('/apps/:app/addon-attachments', (request, reply) =>
    list(request, reply, store.addonAttachments.list({ appId: appOf(store, request).id })),
  )

  api.get('/addons/:addon/addon-attachments', (request, reply) => {
    const { id } = addonOf(store, request)
    const seen = attachmentsSeen(store, request).filter(({ addonId }) => addonId === id)
    return list(request, reply, seen)
  })

  api.get('/addon-attachments/:attachment', (request) => one(request, attachmentOf(store, request, 'view')))

  api.get('/apps/:app/addon-attachments/:attachment', (request) => {
    const app = appOf(store, request)
    const { attachment: key } = request.params as { attachment: string }
    const [found] = attachmentsCalled(store, app, key)
    if (found) return one(request, found)
    throw new PaasError('not_found', `${app.name} has no attachment ${JSON.stringify(key)}.`)
  })

  api.post('/addon-attachments', { schema: { body: newAttachment } }, async (request, reply) => {
    const { body } = request
    if (body.namespace) throw new PaasError('invalid_params', 'There are no credentials beside the default one.')
    const app = appNamed(store, request, { idOrName: keyOf(body.app), needed: 'deploy' })
    const addon = addonNamed(store, request, { idOrName: keyOf(body.addon), needed: 'deploy' })
    const service = serviceCalled(servicesOf(deps), addon.service)
    const asked = { name: body.name ?? undefined, confirm: body.confirm ?? undefined }
    const { attachment, release } = store.transaction(() => {
      const made = attachAddon(store, { app, addon, service }, asked)
      if (addon.state.kind !== 'provisioned') return { ...made, release: undefined }
      const description = `Attach ${made.attachment.name} (@${addon.name})`
      const { id } = request.identity.account
      return { ...made, release: createAddonRelease(store, app, { ...made, description, accountId: id }) }
    })
    await sayAndWake(deps, { request, reply, app, release })
    reply.code(201)
    return one(request, attachment)
  })

  api.delete('/addon-attachments/:attachment', async (request, reply) => {
    const attachment = attachmentOf(store, request, 'deploy')
    const told = one(request, attachment)
    const app = appNamed(store, request, { idOrName: attachment.appId, needed: 'deploy' })
    const addon = store.addons.find(attachment.addonId)
    if (!addon) throw new PaasError('not_found', 'The attachment is gone.')
    const release = detachAddon(store, { app, addon, attachment }, request.identity.account)
    await sayAndWake(deps, { request, reply, app, release })
    return told
  })
}

type News = { request: FastifyRequest; reply: FastifyReply; app: App; release: Release | undefined }

/** Tells the app's log of the release; the worker makes the networks, and the release. */
export async function sayAndWake(deps: AddonDeps, { request, reply, app, release }: News): Promise<void> {
  await wake(deps, reply, { kind: 'addons' })
  if (!release) return
  sayWhoReleases(deps.platformLog, release, request.identity.account.email)
  if (release.state.kind === 'pending') await wake(deps, reply, { kind: 'converge', appId: app.id })
}
