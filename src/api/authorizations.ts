import { Type } from 'typebox'
import { PaasError } from '../errors.ts'
import { isAllowed, scopes } from '../model/access.ts'
import type { Account, Token } from '../model/account.ts'
import type { TokenId } from '../model/ids.ts'
import type { Api, ApiDeps } from './deps.ts'
import type { Identity } from './identity.ts'
import { page } from './page.ts'
import { time, uuidOf } from './shapes.ts'

/** A century, in seconds: more is a mistake. */
const longestLife = 100 * 365 * 86_400

const newAuthorization = Type.Object(
  {
    description: Type.Optional(Type.Union([Type.String({ maxLength: 255 }), Type.Null()])),
    expires_in: Type.Optional(Type.Union([Type.Integer({ minimum: 1, maximum: longestLife }), Type.Null()])),
    scope: Type.Optional(Type.Array(Type.Enum(scopes), { minItems: 1, uniqueItems: true })),
    client: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false },
)

/** `POST /oauth/authorizations`: the login. Its caller was identified by password or by a token. */
export function loginRoute(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  api.post('/oauth/authorizations', { schema: { body: newAuthorization } }, (request, reply) => {
    const { description, expires_in: seconds, scope = ['global'] } = request.body
    if (!isAllowed(request.identity.scope, 'global')) {
      throw new PaasError('forbidden', 'A token with limited scope cannot make tokens.')
    }
    const { token, secret } = store.tokens.create({
      accountId: request.identity.account.id,
      description: description ?? 'API token',
      scope,
      ...(seconds ? { expiresAt: new Date(Date.now() + seconds * 1000) } : {}),
    })
    reply.code(201)
    return authorizationJson(token, request.identity.account, secret)
  })
}

/** The account's tokens. Their secrets are shown once, when they are made: the record has only hashes. */
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
  api.delete<Params>(path, { config }, (request) => {
    const token = ownToken(store, request.identity, request.params.authorization)
    store.tokens.remove(token.id)
    return authorizationJson(token, request.identity.account)
  })
}

/** `~` is the token the request was made with, so that a logout needs not know its id. */
function ownToken({ tokens }: ApiDeps['store'], { account, tokenId }: Identity, id: string): Token {
  const token = tokens.find((id === '~' ? tokenId : id) as TokenId)
  if (token?.accountId === account.id) return token
  throw new PaasError('not_found', `You have no authorization ${JSON.stringify(id)}.`)
}

function authorizationJson(token: Token, account: Account, secret?: string): object {
  const expiresIn = token.expiresAt && Math.max(0, Math.round((token.expiresAt.getTime() - Date.now()) / 1000))
  return {
    access_token: {
      id: uuidOf(`token ${token.id}`),
      expires_in: expiresIn,
      token: secret ?? '[shown once, when it was made]',
    },
    client: null,
    created_at: time(token.createdAt),
    description: token.description,
    grant: null,
    id: token.id,
    refresh_token: null,
    scope: token.scope,
    session: null,
    updated_at: time(token.updatedAt),
    user: { id: account.id, email: account.email, full_name: account.name },
  }
}
