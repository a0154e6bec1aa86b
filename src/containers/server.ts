import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { asPaasError, PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { appNamePattern } from '../model/app.ts'
import type { AddonId, AppId, SlugId, VolumeCopyId, VolumeId } from '../model/ids.ts'
import { listenAt } from '../unix-socket.ts'
import type { AskedProgram } from '../services/programs.ts'
import { stackPattern } from '../model/stack.ts'
import type { Containers } from './containers.ts'

export type ContainersServerDeps = { socketPath: string; containers: Containers; log: Logger }

type Call = { params: Params; body: Readable; signal: AbortSignal }
type Verb = (containers: Containers, call: Call) => Promise<unknown>

/** All there are: who has the socket can ask for nothing else. */
const verbs: Record<string, Verb> = {
  'GET /machine': (containers) => containers.machine(),
  'GET /dynos': (containers, { params }) => containers.listDynos({ appId: params.appId() }),
  'GET /disk': (containers, { params }) => containers.diskOf(params.appId()),
  'POST /disk-room': (containers) => containers.makeDiskRoom(),
  'DELETE /cache': (containers, { params }) => containers.removeCache(params.appId()),
  'POST /slug': (containers, { params, body }) =>
    containers.addSlug(
      { id: params.slugId(), app: { id: params.appId(), name: params.appName() }, stack: params.stack() },
      body,
    ),
  'GET /slug': (containers, { params, signal }) => containers.readSlug(params.image(), signal),
  'GET /volume': (containers, { params, signal }) =>
    containers.readVolume(params.volumeId(), { still: params.still() }, signal),
  'GET /volume-copy': (containers, { params, signal }) => containers.readVolumeBackup(params.copyId(), signal),
  'PUT /volume-copy': (containers, { params, body, signal }) => containers.fillVolume(params.copyId(), body, signal),
  'GET /addon': (containers, { params, signal }) => containers.addonFigures(params.addonId(), signal),
  'POST /program': async (containers, { params, body, signal }) => {
    const env = textsOf(await json(body))
    return containers.runProgram({ id: params.addonId(), program: params.program(), env }, signal)
  },
  'GET /backup': (containers, { params, signal }) => containers.readBackup(params.place(), signal),
  'DELETE /backup': (containers, { params, signal }) => containers.removeBackup(params.place(), signal),
  'POST /image-states': async (containers, { params, body, signal }) =>
    containers.imageStates(params.stack(), imagesOf(await json(body)), signal),
}

/**
 * Answers what `connectContainers` asks, as HTTP on a Unix socket. Disposal breaks off what is in
 * progress.
 */
export async function serveContainers({ socketPath, containers, log }: ContainersServerDeps): Promise<AsyncDisposable> {
  // No time limit here: the api limits uploads.
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    void answer(containers, request, response).catch((error: unknown) => tell(response, error, log))
  })
  await listenAt(socketPath, server)
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function answer(containers: Containers, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://worker')
  const verb = verbs[`${request.method} ${pathname}`]
  if (!verb) throw new PaasError('not_found', `The worker answers no ${request.method} ${pathname}.`)
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const result = await verb(containers, {
    params: new Params(searchParams),
    body: bodyOf(request),
    signal: gone.signal,
  })
  if (result instanceof Readable) await pipeline(result, response)
  else if (result === undefined) response.writeHead(204).end()
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result))
}

/** Who stops reading leaves the connection open for the answer. */
function bodyOf(request: IncomingMessage): Readable {
  const body = new PassThrough()
  // An upload that breaks off early fails when it is read, not here.
  body.on('error', () => undefined)
  request.once('error', (cause) => body.destroy(cause))
  return request.pipe(body)
}

function tell(response: ServerResponse, thrown: unknown, log: Logger): void {
  const { code, status, fault, message, hint } = asPaasError(thrown)
  const isGone = response.destroyed
  log[isGone || fault === 'user' ? 'debug' : 'warn']({ err: thrown, code }, 'a call of the api failed')
  if (isGone || response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ code, message, hint }))
}

const digest = /^sha256:[0-9a-f]{64}$/

/** @throws bad_request */
function imagesOf(body: unknown): string[] {
  if (Array.isArray(body) && body.every((image) => typeof image === 'string' && digest.test(image))) return body
  throw new PaasError('bad_request', 'The worker was asked for what are no images.')
}

/** @throws bad_request */
function textsOf(body: unknown): Record<string, string> {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
  if (isObject && Object.values(body).every((value) => typeof value === 'string')) return body as Record<string, string>
  throw new PaasError('bad_request', 'The worker was given what are no texts.')
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Each value is checked against its format. @throws bad_request */
class Params {
  readonly #params: URLSearchParams

  constructor(params: URLSearchParams) {
    this.#params = params
  }

  appId(): AppId {
    return this.#take('app', uuid) as AppId
  }

  addonId(): AddonId {
    return this.#take('addon', uuid) as AddonId
  }

  volumeId(): VolumeId {
    return this.#take('volume', uuid) as VolumeId
  }

  copyId(): VolumeCopyId {
    return this.#take('copy', uuid) as VolumeCopyId
  }

  still(): boolean {
    return this.#take('still', /^(true|false)$/) === 'true'
  }

  slugId(): SlugId {
    return this.#take('slug', uuid) as SlugId
  }

  appName(): string {
    return this.#take('name', appNamePattern)
  }

  stack(): string {
    return this.#take('stack', stackPattern)
  }

  image(): string {
    return this.#take('image', digest)
  }

  program(): AskedProgram {
    return this.#take('program', /^(configure|disconnect)$/) as AskedProgram
  }

  place(): string {
    return this.#take('place', /^(file:|snapshot:[0-9a-f]{8,64}\/)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  }

  #take(name: string, form: RegExp): string {
    const value = this.#params.get(name) ?? ''
    if (form.test(value)) return value
    throw new PaasError('bad_request', `The worker was asked for the ${name} ${JSON.stringify(value.slice(0, 80))}.`)
  }
}
