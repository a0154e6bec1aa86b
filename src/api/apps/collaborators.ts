import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { PaasError } from '../../errors.ts'
import { permissions, type GivenRole, type Permission } from '../../model/access.ts'
import type { Account } from '../../model/account.ts'
import type { App } from '../../model/app.ts'
import { appOf } from '../http/access.ts'
import { collaboratorJson, ownerOf, type Member } from './collaborator-json.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'

type Store = ApiDeps['store']

const givenRoles = ['view', 'deploy', 'admin'] as const satisfies GivenRole[]
/** `role` is ours, `permissions` Heroku's; a change needs one of them. */
const access = {
  role: Type.Optional(Type.Enum(givenRoles)),
  permissions: Type.Optional(Type.Array(Type.Enum(Object.keys(permissions) as Permission[]), { minItems: 1 })),
}
const user = Type.Union([
  Type.String(),
  Type.Object({ email: Type.Optional(Type.String()), id: Type.Optional(Type.String()) }),
])
/** `silent` asks for no mail; none is ever sent. */
const newCollaborator = Type.Object(
  { user, silent: Type.Optional(Type.Boolean()), ...access },
  { additionalProperties: false },
)
const change = Type.Object(access, { additionalProperties: false, minProperties: 1 })

/**
 * Who may use an app. Heroku has the paths below `/teams` for the apps of teams; here they are the
 * same.
 */
export function collaboratorRoutes(api: Api, { store, platformLog }: Pick<ApiDeps, 'store' | 'platformLog'>): void {
  const config = { role: 'admin' } as const
  for (const path of ['/apps/:app/collaborators', '/teams/apps/:app/collaborators']) {
    const one = `${path}/:collaborator`

    api.get(path, (request, reply) => {
      const app = appOf(store, request)
      const members = [ownerOf(app), ...store.collaborators.list(app.id)]
      const order = { email: (member: Member) => emailOf(store, member), id: (member: Member) => member.id }
      return page(request, reply, members, order).map((member) => collaboratorJson(store, app, member))
    })

    api.post(path, { config, schema: { body: newCollaborator } }, (request, reply) => {
      const app = appOf(store, request)
      const account = accountNamed(store, request.body.user)
      refuseOwner(app, account)
      if (store.collaborators.find(app.id, account.id)) {
        throw new PaasError('invalid_params', `${account.email} is a collaborator of ${app.name} already.`, {
          hint: `Change their role with: paas access:update ${account.email} -a ${app.name}`,
        })
      }
      const role = roleIn(request.body)
      const made = store.collaborators.set(app.id, account.id, role)
      platformLog.api(app.id, `Add collaborator ${account.email} as ${role} by user ${emailOfUser(request)}`)
      reply.code(201)
      return collaboratorJson(store, app, made)
    })

    api.get(one, (request) => {
      const app = appOf(store, request)
      return collaboratorJson(store, app, memberOf(store, app, request))
    })

    api.patch(one, { config, schema: { body: change } }, (request) => {
      const app = appOf(store, request)
      const member = givenMember(store, app, request)
      const role = roleIn(request.body)
      const changed = store.collaborators.set(app.id, member.accountId, role)
      platformLog.api(app.id, `Make ${emailOf(store, member)} ${role} by user ${emailOfUser(request)}`)
      return collaboratorJson(store, app, changed)
    })

    api.delete(one, { config: { role: 'view' } }, (request) => {
      const app = appOf(store, request)
      const member = givenMember(store, app, request)
      // Collaborators may remove themselves.
      if (member.accountId !== request.identity.account.id) appOf(store, request, 'admin')
      store.collaborators.remove(app.id, member.accountId)
      platformLog.api(app.id, `Remove collaborator ${emailOf(store, member)} by user ${emailOfUser(request)}`)
      return collaboratorJson(store, app, member)
    })
  }

  api.get('/teams/permissions', (request, reply) => {
    const all = Object.entries(permissions).map(([name, { description }]) => ({ name, description }))
    return page(request, reply, all, { name: ({ name }) => name })
  })
}

/**
 * What Heroku's collaborators get who are given nothing in particular is what a developer needs:
 * `deploy`.
 */
function roleIn({ role, permissions: wanted = [] }: Static<typeof change>): GivenRole {
  if (role) return role
  if (wanted.includes('manage')) return 'admin'
  return wanted.length > 0 && wanted.every((name) => name === 'view') ? 'view' : 'deploy'
}

/** @throws not_found: nobody is invited by mail, so the account must exist */
export function accountNamed({ accounts }: Pick<Store, 'accounts'>, named: Static<typeof user>): Account {
  const key = typeof named === 'string' ? named : (named.email ?? named.id ?? '')
  const account = accounts.find(key)
  if (account) return account
  throw new PaasError('not_found', `There is no account ${JSON.stringify(key.slice(0, 100))} on this server.`, {
    hint: 'An admin creates one with: paas accounts:create EMAIL',
  })
}

/** By the id of the collaborator, or the email or id of the account. @throws not_found */
function memberOf(store: Store, app: App, request: FastifyRequest): Member {
  const { collaborator: key } = request.params as { collaborator: string }
  const members = [ownerOf(app), ...store.collaborators.list(app.id)]
  const accountId = store.accounts.find(key)?.id
  const found = members.find((member) => member.id === key || member.accountId === accountId)
  if (found) return found
  throw new PaasError('not_found', `${app.name} has no collaborator ${JSON.stringify(key)}.`, {
    hint: `See them with: paas access -a ${app.name}`,
  })
}

/** One that is not the owner. @throws not_found, invalid_params */
function givenMember(store: Store, app: App, request: FastifyRequest): Member {
  const member = memberOf(store, app, request)
  refuseOwner(app, { id: member.accountId, email: emailOf(store, member) })
  return member
}

/** An app never is without an owner. @throws invalid_params */
function refuseOwner(app: App, { id, email }: Pick<Account, 'id' | 'email'>): void {
  if (id !== app.ownerId) return
  throw new PaasError('invalid_params', `${email} owns ${app.name}.`, {
    hint: `Transfer it to another owner with: paas apps:transfer EMAIL -a ${app.name}`,
  })
}

function emailOf({ accounts }: Pick<Store, 'accounts'>, { accountId }: Member): string {
  return accounts.find(accountId)?.email ?? ''
}

function emailOfUser({ identity }: FastifyRequest): string {
  return identity.account.email
}
