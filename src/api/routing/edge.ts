import { randomBytes } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { parseCidr } from '../../model/cidr.ts'
import { hashEdgePassword, leastPassword, type Edge } from '../../model/edge.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf } from '../http/access.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'store' | 'queue' | 'platformLog' | 'log'>

const mostNetworks = 1_000
const mostUsers = 50
const networks = Type.Array(Type.String({ maxLength: 60 }), { maxItems: mostNetworks })
/** null: the usual one. */
const limit = (least: number, most: number) =>
  Type.Union([Type.Integer({ minimum: least, maximum: most }), Type.Null()])
const change = Type.Object(
  {
    allow: Type.Optional(networks),
    deny: Type.Optional(networks),
    body_bytes: Type.Optional(limit(0, 2 ** 50)),
    answer_seconds: Type.Optional(limit(1, 3_600)),
    idle_seconds: Type.Optional(limit(1, 3_600)),
    protocol: Type.Optional(Type.Union([Type.Literal('http1'), Type.Literal('h2c')])),
  },
  { additionalProperties: false },
)
const newUser = Type.Object(
  { name: Type.String({ maxLength: 100 }), password: Type.Optional(Type.String({ maxLength: 200 })) },
  { additionalProperties: false },
)

/** What the router lets through to an app. Heroku has no call for it. */
export function edgeRoutes(api: Api, deps: Deps): void {
  const { store } = deps

  api.get('/apps/:app/edge', (request) => edgeJson(store.edges.of(appOf(store, request).id)))

  api.patch('/apps/:app/edge', { schema: { body: change } }, async (request, reply) => {
    const app = appOf(store, request)
    const edge = changed(store.edges.of(app.id), request.body)
    put(deps, { app, edge, email: request.identity.account.email }, 'limits of requests')
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    return edgeJson(edge)
  })

  api.post('/apps/:app/edge/users', { schema: { body: newUser } }, async (request, reply) => {
    const app = appOf(store, request)
    const { name, password: given } = request.body
    const password = given ?? randomBytes(18).toString('base64url')
    checkUser(name, password)
    const edge = withUser(store.edges.of(app.id), name, password)
    put(deps, { app, edge, email: request.identity.account.email }, `login ${name}`)
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    reply.code(201)
    return { name, password: given === undefined ? password : null }
  })

  api.delete<{ Params: { name: string } }>('/apps/:app/edge/users/:name', async (request, reply) => {
    const app = appOf(store, request)
    const { name } = request.params
    const edge = store.edges.of(app.id)
    const users = edge.users.filter((user) => user.name !== name)
    if (users.length === edge.users.length) {
      throw new PaasError('not_found', `${app.name} has no login ${JSON.stringify(name.slice(0, 60))}.`, {
        hint: `See them with: paas edge -a ${app.name}`,
      })
    }
    put(deps, { app, edge: { ...edge, users }, email: request.identity.account.email }, `removal of login ${name}`)
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    return { name, password: null }
  })
}

type Put = { app: App; edge: Edge; email: string }

function put({ store, platformLog }: Deps, { app, edge, email }: Put, what: string): void {
  store.edges.set(app.id, edge)
  platformLog.api(app.id, `Set ${what} at the edge by user ${email}`)
}

/** @throws invalid_params */
function changed(edge: Edge, wanted: Static<typeof change>): Edge {
  const { allow = edge.allow, deny = edge.deny } = wanted
  for (const network of [...allow, ...deny]) checkNetwork(network)
  return {
    ...edge,
    allow,
    deny,
    bodyBytes: wanted.body_bytes === undefined ? edge.bodyBytes : wanted.body_bytes,
    answerSeconds: wanted.answer_seconds === undefined ? edge.answerSeconds : wanted.answer_seconds,
    idleSeconds: wanted.idle_seconds === undefined ? edge.idleSeconds : wanted.idle_seconds,
    protocol: wanted.protocol === undefined ? edge.protocol : wanted.protocol === 'h2c' ? 'h2c' : null,
  }
}

/** @throws invalid_params */
function checkNetwork(text: string): void {
  if (parseCidr(text)) return
  throw new PaasError(
    'invalid_params',
    `${JSON.stringify(text)} is no network; write them as 203.0.113.0/24, 203.0.113.7/32 or 2001:db8::/32.`,
  )
}

/** @throws invalid_params */
function checkUser(name: string, password: string): void {
  if (!/^[\w.@+-]{1,100}$/.test(name)) {
    throw new PaasError('invalid_params', 'The name of a login has 1 to 100 letters, digits and . _ @ + -.')
  }
  if (password.length < leastPassword) {
    const hint = 'Leave it out, and one is made.'
    throw new PaasError('invalid_params', `The password of a login has ${leastPassword} characters at least.`, { hint })
  }
}

/** @throws invalid_params */
function withUser(edge: Edge, name: string, password: string): Edge {
  const others = edge.users.filter((user) => user.name !== name)
  if (others.length >= mostUsers) {
    throw new PaasError('invalid_params', `An app has at most ${mostUsers} logins at the edge.`)
  }
  const salt = randomBytes(16).toString('base64url')
  return { ...edge, users: [...others, { name, salt, hash: hashEdgePassword(salt, password) }] }
}

function edgeJson({ allow, deny, users, bodyBytes, answerSeconds, idleSeconds, protocol }: Edge): object {
  return {
    allow,
    deny,
    users: users.map(({ name }) => name),
    body_bytes: bodyBytes,
    answer_seconds: answerSeconds,
    idle_seconds: idleSeconds,
    protocol: protocol ?? 'http1',
  }
}
