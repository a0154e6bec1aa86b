import { Type, type Static } from 'typebox'
import { oneLine } from '../http/one-line.ts'
import { PaasError } from '../../errors.ts'
import { isAllowed, scopes } from '../../model/access.ts'
import type { Token } from '../../model/account.ts'
import type { TokenId } from '../../model/ids.ts'
import { authorizationJson } from './authorization-json.ts'
import type { Api, ApiDeps } from '../deps.ts'
import type { Identity } from './identity.ts'
import { page } from '../http/page.ts'

/** A century, in seconds: more is a mistake. */
const longestLife = 100 * 365 * 86_400

const newAuthorization = Type.Object(
  {
    description: Type.Optional(Type.Union([Type.String({ maxLength: 255 }), Type.Null()])),
    // Heroku's command sends it as text.
    expires_in: Type.Optional(Type.Union([Type.Integer(), Type.String({ pattern: '^\\d{1,12}$' }), Type.Null()])),
    scope: Type.Optional(Type.Array(Type.Enum(scopes), { minItems: 1, uniqueItems: true })),
    client: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false },
)

const change = Type.Object(
  { description: Type.Optional(Type.String({ maxLength: 255 })), client: Type.Optional(Type.Unknown()) },
  { additionalProperties: false },
)

/** `POST /oauth/authorizations`: the login. Its caller was identified by password or by a token. */
export function loginRoute(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  api.post('/oauth/authorizations', { schema: { body: newAuthorization } }, (request, reply) => {
    const { description, expires_in, scope = ['global'] } = request.body
    oneLine(description, 'description')
    const seconds = secondsIn(expires_in)
    if (!isAllowed(request.identity.scope, 'global')) {
      throw new PaasError('forbidden', 'A token with a limited scope cannot create tokens.')
    }
    const { token, secret } = store.transaction(() => {
      const made = store.tokens.create({
        accountId: request.identity.account.id,
        description: description ?? 'API token',
        scope,
        session: request.identity.token === null,
        ...(seconds ? { expiresAt: new Date(Date.now() + seconds * 1000) } : {}),
      })
      store.audit.add({ resource: made.token.id })
      return made
    })
    reply.code(201)
    return authorizationJson(token, request.identity.account, secret)
  })
}

/**
 * The account's tokens. Their secrets are shown once, when they are made: the database has only
 * hashes.
 */
export function authorizationRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  const config = { scope: 'global' } as const
  const path = '/oauth/authorizations/:authorization'
  type Params = { Params: { authorization: string } }

  api.get('/oauth/authorizations', { config }, (request, reply) => {
    const { account } = request.identity
    const tokens = page(request, reply, store.tokens.list(account.id), { id: (token) => token.id })
    return tokens.map((token) => authorizationJson(token, account))
  })
  api.get<Params>(path, { config }, (request) =>
    authorizationJson(ownToken(store, request.identity, request.params.authorization), request.identity.account),
  )
  api.patch<Params & { Body: Static<typeof change> }>(path, { config, schema: { body: change } }, (request) => {
    const { account } = request.identity
    const token = ownToken(store, request.identity, request.params.authorization)
    const { description = token.description } = request.body
    oneLine(description, 'description')
    return authorizationJson(store.tokens.describe(token.id, description), account)
  })
  api.post<Params>(`${path}/actions/regenerate-tokens`, { config }, (request) => {
    const { id, expiresAt } = ownToken(store, request.identity, request.params.authorization)
    if (expiresAt && expiresAt.getTime() <= Date.now()) {
      throw new PaasError('invalid_params', 'This authorization has expired.', { hint: 'Create another one.' })
    }
    const { token, secret } = store.tokens.rotate(id)
    return authorizationJson(token, request.identity.account, secret)
  })
  api.delete<Params>(path, { config }, (request) => {
    const token = ownToken(store, request.identity, request.params.authorization)
    store.tokens.remove(token.id)
    return authorizationJson(token, request.identity.account)
  })
}

/** `~` is the token the request was made with, so that a logout needs not know its id. */
function ownToken({ tokens }: ApiDeps['store'], { account, token: present }: Identity, id: string): Token {
  const token = tokens.find((id === '~' ? (present?.id ?? '') : id) as TokenId)
  if (token?.accountId === account.id) return token
  throw new PaasError('not_found', `You have no authorization ${JSON.stringify(id)}.`)
}

/** @throws invalid_params */
function secondsIn(expiresIn: number | string | null | undefined): number | undefined {
  if (expiresIn === undefined || expiresIn === null) return undefined
  const seconds = Number(expiresIn)
  if (seconds >= 1 && seconds <= longestLife) return seconds
  throw new PaasError('invalid_params', `expires_in is ${seconds}; it must be from 1 to ${longestLife} seconds.`)
}
