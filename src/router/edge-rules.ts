import { createHash } from 'node:crypto'
import type { BlockList } from 'node:net'
import { blockListOf, contains } from '../model/cidr.ts'
import { isEdgeUser, type EdgeUser, type RouteEdge } from '../model/edge.ts'
import type { Field } from './http/fields.ts'
import type { RequestHead } from './http/request-head.ts'
import type { TimeLimits } from './limits.ts'
import { answerForRefusal, type Answer } from './router-error.ts'
import type { LiveTarget } from './target.ts'

/** Heroku's name, which load tests and apps know. */
const affinityCookie = 'heroku-session-affinity'
const affinitySeconds = 86_400

/** What one app's owner set of its requests, ready to be asked for each. */
export class EdgeRules {
  readonly #allow: BlockList | undefined
  readonly #deny: BlockList | undefined
  readonly #users: EdgeUser[]
  /** Credentials that were right before, as they came: a hash for each request is spared. */
  #right: string | undefined
  readonly #affinity: boolean
  /** Infinity: no limit. */
  readonly bodyBytes: number

  constructor({ allow, deny, users = [], bodyBytes = Infinity, affinity }: RouteEdge) {
    this.#allow = allow && blockListOf(allow)
    this.#deny = deny && blockListOf(deny)
    this.#users = users
    this.#affinity = affinity === true
    this.bodyBytes = bodyBytes
  }

  /** @returns why a request is not let through; undefined: it is */
  judge({ fields, framing }: RequestHead, address: string): Answer | undefined {
    if (!this.#isAllowed(address)) return answerForRefusal(403, 'its address is not allowed here')
    if (this.#users.length > 0 && !this.#isKnown(fields)) return unknownUser
    return framing.kind === 'length' && framing.length > this.bodyBytes ? this.tooLarge() : undefined
  }

  tooLarge(): Answer {
    return answerForRefusal(413, `its body has more than ${this.bodyBytes} bytes`)
  }

  /** The target that the visitor's last answer came from, if it is among these. */
  boundTarget({ fields }: RequestHead, targets: LiveTarget[]): LiveTarget | undefined {
    if (!this.#affinity) return undefined
    const bound = cookieIn(fields)
    return bound === undefined ? undefined : targets.find((target) => affinityOf(target) === bound)
  }

  /** A header line that binds the visitor to the target, unless the request shows that it is. */
  bindingLine({ fields }: RequestHead, target: LiveTarget | undefined, { secure }: { secure: boolean }): string {
    if (!this.#affinity || target === undefined) return ''
    const value = affinityOf(target)
    if (cookieIn(fields) === value) return ''
    // It lets nobody do anything, so pages of other sites may send it, as WebSockets and polling
    // across sites need; browsers take `None` with `Secure` only.
    const marks = `Path=/; Max-Age=${affinitySeconds}; HttpOnly; ${secure ? 'SameSite=None; Secure' : 'SameSite=Lax'}`
    return `Set-Cookie: ${affinityCookie}=${value}; ${marks}\r\n`
  }

  #isAllowed(text: string): boolean {
    const [address = ''] = text.split('%') // a link-local address may name its interface
    if (this.#deny !== undefined && contains(this.#deny, address)) return false
    return this.#allow === undefined || contains(this.#allow, address)
  }

  #isKnown(fields: Field[]): boolean {
    const given = fields.find(({ key }) => key === 'authorization')?.value
    if (given === undefined) return false
    if (given === this.#right) return true
    const [, encoded = ''] = /^basic +([a-z0-9+/_-]+=*)$/i.exec(given) ?? []
    const [, name, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
    if (name === undefined || password === undefined || !isEdgeUser(this.#users, name, password)) return false
    this.#right = given
    return true
  }
}

/** The time limits of an app that has set some. */
export function limitsWith(limits: TimeLimits, { answerMs, idleMs }: RouteEdge = {}): TimeLimits {
  if (answerMs === undefined && idleMs === undefined) return limits
  return { ...limits, firstByte: answerMs ?? limits.firstByte, idle: idleMs ?? limits.idle }
}

const unknownUser: Answer = {
  ...answerForRefusal(401, 'it needs a login'),
  headers: 'WWW-Authenticate: Basic realm="app", charset="UTF-8"\r\n',
}

const affinities = new WeakMap<LiveTarget, string>()

/** Opaque, and the same in every router of the server. */
function affinityOf(target: LiveTarget): string {
  let value = affinities.get(target)
  if (value === undefined) {
    value = createHash('sha256').update(target.id).digest('base64url').slice(0, 22)
    affinities.set(target, value)
  }
  return value
}

function cookieIn(fields: Field[]): string | undefined {
  for (const { key, value } of fields) {
    if (key !== 'cookie') continue
    for (const part of value.split(';')) {
      const [name, bound] = part.trim().split('=')
      if (name === affinityCookie) return bound
    }
  }
  return undefined
}
