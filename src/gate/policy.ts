import type { AskedCall } from './asked.ts'
import { checkContainer } from './container-body.ts'
import {
  checkChanges,
  checkCommit,
  checkConnect,
  checkDisconnect,
  checkEventFilters,
  checkExec,
  checkExecStart,
  checkFilters,
  checkNetwork,
  checkVolume,
} from './other-bodies.ts'
import { isCacheName, isOwnName, isOwnReference, isOwnVolume, isSharedReference, type GateOwner } from './own.ts'
import { Refused, refuseUnless } from './refused.ts'

/** What has to be this server's before the engine is asked. */
export type Thing =
  | { kind: 'container' | 'exec' | 'network'; id: string }
  /** `shared`: one of the stack, or of a server that this one is a copy of, does as well. */
  | { kind: 'image'; name: string; shared: boolean }
  /** A name that no image may have yet, so that none of the stack's is replaced. */
  | { kind: 'free name'; name: string }

/** How the engine is to be asked: written anew, so that it reads what was checked. */
export type Order = {
  method: string
  path: string
  /** `stream`: bytes, passed on as they come; `image`: an archive of an image, which is checked. */
  body?: { json: unknown } | 'stream' | 'image'
  things: Thing[]
  /** What becomes of the answer; absent: it is passed on as it comes. */
  answer?: 'upgrade' | 'events' | 'subnets' | 'new container' | 'new exec'
}

type Call = { named: Record<string, string>; query: Map<string, string>; body: unknown; owner: GateOwner }
type Judged = Pick<Order, 'answer' | 'body'> & { things?: Thing[]; query?: Record<string, string> }
type Rule = {
  pattern: RegExp
  /** Values of the query's keys; all others are refused. */
  query?: Record<string, RegExp>
  judge?: (call: Call) => Judged
}

const flag = /^(true|false|0|1)$/
const count = /^\d{1,9}$/
const any = /^[^\0]*$/
const path = /^\/[^\0]*$/

const ownContainer = ({ named: { id = '' } }: Call): Judged => ({ things: [{ kind: 'container', id }] })
const ownExec = ({ named: { id = '' } }: Call): Judged => ({ things: [{ kind: 'exec', id }] })
const ownNetwork = ({ named: { id = '' } }: Call): Judged => ({ things: [{ kind: 'network', id }] })
const image =
  (shared: boolean) =>
  ({ named: { name = '' } }: Call): Judged => ({ things: [{ kind: 'image', name, shared }] })

/**
 * All that the worker has need of; there is nothing else. What it sends beside goes no further: a
 * start, for one, took a configuration in old versions of the API.
 */
const rules: Rule[] = [
  { pattern: /^GET \/(version|info)$/ },
  { pattern: /^GET \/events$/, query: { filters: any, since: /^\d+(\.\d+)?$/ }, judge: judgeEvents },

  { pattern: /^GET \/(containers|images)\/json$/, query: { all: flag, filters: any }, judge: judgeList },
  { pattern: /^POST \/containers\/create$/, query: { name: any }, judge: judgeContainer },
  { pattern: /^GET \/containers\/(?<id>[^/]+)\/json$/, query: { size: flag }, judge: ownContainer },
  { pattern: /^POST \/containers\/(?<id>[^/]+)\/(start|pause|unpause)$/, judge: ownContainer },
  { pattern: /^POST \/containers\/(?<id>[^/]+)\/stop$/, query: { t: count }, judge: ownContainer },
  { pattern: /^POST \/containers\/(?<id>[^/]+)\/wait$/, query: { condition: /^removed$/ }, judge: ownContainer },
  { pattern: /^POST \/containers\/(?<id>[^/]+)\/resize$/, query: { w: count, h: count }, judge: ownContainer },
  {
    pattern: /^POST \/containers\/(?<id>[^/]+)\/attach$/,
    query: { stream: flag, stdin: flag, stdout: flag, stderr: flag, hijack: flag },
    judge: (call) => ({ ...ownContainer(call), answer: 'upgrade' }),
  },
  {
    pattern: /^GET \/containers\/(?<id>[^/]+)\/logs$/,
    query: { stdout: flag, stderr: flag, timestamps: flag, follow: flag, tail: /^(all|\d{1,9})$/ },
    judge: ownContainer,
  },
  {
    pattern: /^GET \/containers\/(?<id>[^/]+)\/stats$/,
    query: { stream: flag, 'one-shot': flag },
    judge: ownContainer,
  },
  { pattern: /^GET \/containers\/(?<id>[^/]+)\/archive$/, query: { path }, judge: ownContainer },
  {
    pattern: /^PUT \/containers\/(?<id>[^/]+)\/archive$/,
    query: { path },
    judge: (call) => ({ ...ownContainer(call), body: 'stream' }),
  },
  { pattern: /^DELETE \/containers\/(?<id>[^/]+)$/, query: { force: flag, v: flag }, judge: ownContainer },
  {
    pattern: /^POST \/containers\/(?<id>[^/]+)\/exec$/,
    judge: (call) => ({ ...ownContainer(call), body: { json: checkExec(call.body) }, answer: 'new exec' }),
  },
  {
    pattern: /^POST \/exec\/(?<id>[^/]+)\/start$/,
    judge: (call) => ({ ...ownExec(call), body: { json: checkExecStart(call.body) }, answer: 'upgrade' }),
  },
  { pattern: /^POST \/exec\/(?<id>[^/]+)\/resize$/, query: { w: count, h: count }, judge: ownExec },
  { pattern: /^GET \/exec\/(?<id>[^/]+)\/json$/, judge: ownExec },

  {
    pattern: /^POST \/commit$/,
    query: { container: any, repo: any, tag: any, pause: /^false$/ },
    judge: judgeCommit,
  },
  { pattern: /^POST \/images\/load$/, query: { quiet: flag }, judge: () => ({ body: 'image', query: { quiet: '1' } }) },
  {
    pattern: /^POST \/images\/create$/,
    query: { fromSrc: /^-$/, repo: any, tag: any, changes: any },
    judge: judgeImport,
  },
  { pattern: /^GET \/images\/(?<name>.+)\/(json|get)$/, judge: image(true) },
  { pattern: /^DELETE \/images\/(?<name>.+)$/, query: { force: flag }, judge: image(false) },

  { pattern: /^GET \/networks$/, query: { filters: any }, judge: judgeNetworks },
  { pattern: /^POST \/networks\/create$/, judge: ({ body, owner }) => ({ body: { json: checkNetwork(body, owner) } }) },
  { pattern: /^GET \/networks\/(?<id>[^/]+)$/, judge: ownNetwork },
  { pattern: /^DELETE \/networks\/(?<id>[^/]+)$/, judge: ownNetwork },
  { pattern: /^POST \/networks\/(?<id>[^/]+)\/connect$/, judge: judgeConnect },
  { pattern: /^POST \/networks\/(?<id>[^/]+)\/disconnect$/, judge: judgeDisconnect },

  { pattern: /^POST \/volumes\/create$/, judge: ({ body, owner }) => ({ body: { json: checkVolume(body, owner) } }) },
  { pattern: /^GET \/volumes$/, query: { filters: any }, judge: judgeList },
  { pattern: /^GET \/volumes\/(?<name>[^/]+)$/, judge: judgeVolume },
  { pattern: /^DELETE \/volumes\/(?<name>[^/]+)$/, query: { force: flag }, judge: judgeVolume },
]

/**
 * Whether the engine may be asked for this, and how.
 * @param body JSON that came with the request, undefined where none did
 * @throws Refused
 */
export function judgeCall({ method, version, path: where, query }: AskedCall, body: unknown, owner: GateOwner): Order {
  const what = `${method} ${where}`
  const rule = rules.find(({ pattern }) => pattern.test(what))
  if (!rule) throw new Refused('the worker has no need of it')
  for (const [key, value] of query) {
    const form = Object.hasOwn(rule.query ?? {}, key) ? rule.query?.[key] : undefined
    refuseUnless(form?.test(value) === true, `the query may not have this ${key}`)
  }
  const named = { ...rule.pattern.exec(what)?.groups }
  const {
    query: written = Object.fromEntries(query),
    things = [],
    ...judged
  } = rule.judge?.({ named, query, body, owner }) ?? {}
  const search = new URLSearchParams(written).toString()
  const prefix = version === undefined ? '' : `/${version}`
  return { method, path: `${prefix}${where}${search && `?${search}`}`, things, ...judged }
}

function judgeEvents({ query }: Call): Judged {
  const since = query.get('since')
  const filters = checkEventFilters(query.get('filters') ?? '')
  return { answer: 'events', query: { filters, ...(since !== undefined && { since }) } }
}

function judgeList({ query, owner }: Call): Judged {
  const all = query.get('all')
  return { query: { filters: checkFilters(query.get('filters') ?? '{}', owner), ...(all !== undefined && { all }) } }
}

/** Without a filter it is about the addresses that are taken, and nothing else is told. */
function judgeNetworks(call: Call): Judged {
  return call.query.has('filters') ? judgeList(call) : { answer: 'subnets' }
}

function judgeContainer({ query, body, owner }: Call): Judged {
  const name = query.get('name') ?? ''
  refuseUnless(isOwnName(name, owner), 'a container may only have a name of this server')
  const container = checkContainer(body, owner)
  return {
    body: { json: container },
    things: [{ kind: 'image', name: container.Image, shared: true }],
    query: { name },
    answer: 'new container',
  }
}

function judgeCommit({ query, body, owner }: Call): Judged {
  const [id = '', repo = '', tag = ''] = ['container', 'repo', 'tag'].map((key) => query.get(key))
  const name = `${repo}:${tag}`
  const isShared = isSharedReference(name)
  refuseUnless(isShared || isOwnReference(name, owner), 'an image may only have a name of this server or of the stack')
  const things: Thing[] = [{ kind: 'container', id }, ...(isShared ? [{ kind: 'free name', name } as const] : [])]
  return { body: { json: checkCommit(body, owner, isShared) }, things }
}

function judgeImport({ query }: Call): Judged {
  const name = `${query.get('repo')}:${query.get('tag')}`
  refuseUnless(isSharedReference(name), 'only what the stack begins with may be imported')
  checkChanges(query.get('changes') ?? '')
  refuseUnless(query.has('fromSrc'), 'no image may be fetched from a registry')
  return { body: 'stream', things: [{ kind: 'free name', name }] }
}

/** A service on the network of an app that it is attached to. */
function judgeConnect(call: Call): Judged {
  const json = checkConnect(call.body)
  return { things: [...(ownNetwork(call).things ?? []), { kind: 'container', id: json.Container }], body: { json } }
}

function judgeDisconnect(call: Call): Judged {
  const json = checkDisconnect(call.body)
  return { things: ownNetwork(call).things ?? [], body: { json } }
}

function judgeVolume({ named: { name = '' }, owner }: Call): Judged {
  refuseUnless(isCacheName(name, owner) || isOwnVolume(name, owner), 'the volume is none of this server')
  return {}
}
