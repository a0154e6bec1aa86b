import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { asPaasError, PaasError } from '../errors.ts'
import type { Restic } from './restic.ts'

export type VaultDeps = {
  restic: Restic
  /** The server's id, by which its backups are told from those of others at the target. */
  host: string
  keepDays: number
  log: (failure: unknown) => void
}

/** Of every copy of a volume, beside the volume's id. */
const volumeTag = 'paas-volume'
const file = 'volume.tar'

type Call = { params: URLSearchParams; request: IncomingMessage; response: ServerResponse; signal: AbortSignal }
type Verb = (deps: VaultDeps, call: Call) => Promise<unknown>

/**
 * All that the worker may ask of the backup target, whose keys it does not have: to store the copy
 * of a volume, to get one, and to remove those that are older than is set. It can remove no other.
 */
const verbs: Record<string, Verb> = {
  'PUT /copy': store,
  'GET /copy': read,
  'GET /copies': async ({ restic }, { signal }) => {
    const found = await restic.open({ make: false, signal })
    return found ? (await restic.snapshots(volumeTag, signal)).map(({ id }) => id) : []
  },
  'POST /retire': async ({ restic, host, keepDays }, { signal }) => {
    if (await restic.open({ make: false, signal })) await restic.forget({ host, tag: volumeTag, keepDays }, signal)
  },
}

export function vault(deps: VaultDeps): RequestListener {
  return (request, response) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    void answer(deps, { request, response, signal: gone.signal })
  }
}

async function answer(deps: VaultDeps, { request, response, signal }: Omit<Call, 'params'>): Promise<void> {
  try {
    const { pathname, searchParams: params } = new URL(request.url ?? '', 'http://vault')
    const verb = verbs[`${request.method} ${pathname}`]
    if (!verb) throw new PaasError('not_found', `The vault answers no ${request.method} ${pathname}.`)
    const said = await verb(deps, { params, request, response, signal })
    if (!response.headersSent) respond(response, 200, said ?? null)
  } catch (thrown) {
    const { code, status, message, hint } = asPaasError(thrown)
    if (!signal.aborted) deps.log(thrown)
    if (response.headersSent) response.destroy()
    else respond(response, status, { code, message, hint })
  }
}

/** What is to be stored is asked for when it can be taken: what it is a copy of may be paused. */
async function store({ restic, host }: VaultDeps, { params, request, response, signal }: Call): Promise<unknown> {
  const volume = checked(params, 'volume', /^[0-9a-f-]{36}$/)
  await restic.open({ make: true, signal })
  using _held = await restic.hold({ alone: false }, signal)
  response.writeContinue()
  return await restic.storeStream(request, { file, tag: `${volumeTag},${volume}`, host }, signal)
}

async function read({ restic }: VaultDeps, { params, response, signal }: Call): Promise<void> {
  const snapshot = checked(params, 'snapshot', /^[0-9a-f]{8,64}$/)
  using _held = await restic.hold({ alone: false }, signal)
  const known = await restic.snapshots(volumeTag, signal)
  if (!known.some(({ id }) => id.startsWith(snapshot))) {
    throw new PaasError('backup_missing', `The copy ${snapshot.slice(0, 8)} is not at the backup target any more.`)
  }
  await restic.read(snapshot, file, { signal, use: (content) => pipeline(content, response, { end: false }) })
  response.end() // only once restic has said that it read all of it
}

/** @throws bad_request */
function checked(params: URLSearchParams, name: string, form: RegExp): string {
  const value = params.get(name) ?? ''
  if (form.test(value)) return value
  throw new PaasError('bad_request', `The vault was asked for the ${name} ${JSON.stringify(value.slice(0, 80))}.`)
}

function respond(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
