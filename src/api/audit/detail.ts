import type { AuditDetail } from '../../model/audit.ts'

/** Fields of bodies and queries that are no secrets. Of all others only the names are written. */
const telling = new Set([
  'account',
  'addon',
  'app',
  'attachment',
  'attachments',
  'build_stack',
  'deploy_branch',
  'description',
  'email',
  'force',
  'hostname',
  'include',
  'level',
  'mount',
  'name',
  'owner',
  'permissions',
  'plan',
  'process_type',
  'quantity',
  'recipient',
  'release',
  'role',
  'scope',
  'service',
  'silent',
  'single_writer',
  'size',
  'slug',
  'sni_endpoint',
  'stack',
  'state',
  'type',
  'types',
  'user',
  'volumes',
])

/** Items of a list that are told. */
const mostItems = 50

/** What a request asks for, without secrets: of config vars which are set and which unset. */
export function detailOf(route: string, body: unknown, query: unknown): AuditDetail {
  if (route === 'PATCH /apps/:app/config-vars') return configDetail(body)
  return { ...fieldsOf(body), ...fieldsOf(query) }
}

/** What somebody calls an app or an add-on: `{"app": "acme"}`, `{"app": {"name": "acme"}}`. */
export function nameIn(body: unknown, field: string): string | undefined {
  const value = isObject(body) ? body[field] : undefined
  const name = textOf(value)
  return name === '' ? undefined : name
}

function configDetail(body: unknown): AuditDetail {
  const entries = Object.entries(isObject(body) ? body : {})
  const set = entries.filter(([, value]) => value !== null).map(([key]) => key)
  const unset = entries.filter(([, value]) => value === null).map(([key]) => key)
  return { ...(set.length > 0 ? { set } : {}), ...(unset.length > 0 ? { unset } : {}) }
}

function fieldsOf(value: unknown): AuditDetail {
  const detail: AuditDetail = {}
  const others: string[] = []
  for (const [name, given] of Object.entries(isObject(value) ? value : {})) {
    const told = tell(name, given)
    if (told === undefined) others.push(name)
    else detail[name] = told
  }
  return others.length > 0 ? { ...detail, fields: others } : detail
}

function tell(name: string, value: unknown): AuditDetail[string] | undefined {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  if (name === 'updates' && Array.isArray(value)) return value.slice(0, mostItems).map(pairsOf)
  if (name === 'url' && typeof value === 'string') return hostOf(value)
  if (!telling.has(name)) return undefined
  if (Array.isArray(value)) return value.slice(0, mostItems).map(textOf)
  const text = textOf(value)
  return text === '' ? undefined : text
}

/** `type=web quantity=2` */
function pairsOf(update: unknown): string {
  const pairs = Object.entries(fieldsOf(update)).filter(([name]) => name !== 'fields')
  return pairs.map(([name, value]) => `${name}=${String(value)}`).join(' ')
}

/** Of an address the host alone: the rest may have a password in it. */
function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (!isObject(value)) return ''
  const { name, email, id } = value
  return [name, email, id].find((one) => typeof one === 'string') ?? ''
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
