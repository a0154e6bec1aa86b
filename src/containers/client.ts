import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { PaasError, type ErrorCode } from '../errors.ts'
import { catalogue } from '../errors-catalogue.ts'
import type { AddonFigures } from '../model/addon-figures.ts'
import type { Machine } from '../model/machine.ts'
import type { ImageState } from '../model/stack.ts'
import type { AppDisk, Containers, Dyno } from './containers.ts'

type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  params?: Record<string, string>
  body?: Readable
  signal?: AbortSignal
}

/** Asks the worker that listens at `socketPath`. */
export function connectContainers(socketPath: string): Containers {
  const agent = new Agent({ keepAlive: true })
  const ask = (call: Call): Promise<IncomingMessage> => send({ ...call, socketPath, agent })
  return {
    machine: async () => (await read(await ask({ method: 'GET', path: '/machine' }))) as Machine,
    async listDynos({ appId }) {
      const answer = await ask({ method: 'GET', path: '/dynos', params: { app: appId } })
      return ((await read(answer)) as Dyno[]).map(withDates)
    },
    diskOf: async (app) => (await read(await ask({ method: 'GET', path: '/disk', params: { app } }))) as AppDisk,
    async makeDiskRoom() {
      const answer = await ask({ method: 'POST', path: '/disk-room' })
      answer.resume()
    },
    async removeCache(appId) {
      const answer = await ask({ method: 'DELETE', path: '/cache', params: { app: appId } })
      answer.resume()
    },
    async addSlug({ id, app, stack }, files) {
      const params = { slug: id, app: app.id, name: app.name, stack }
      return (await read(await ask({ method: 'POST', path: '/slug', params, body: files }))) as string
    },
    async readSlug(image, signal) {
      const answer = await ask({ method: 'GET', path: '/slug', params: { image }, signal })
      if (answer.statusCode !== 204) return answer
      answer.resume()
      return undefined
    },
    async imageStates(stack, images, signal) {
      const body = Readable.from([JSON.stringify(images)])
      const asked = { method: 'POST', path: '/image-states', params: { stack }, body, signal } as const
      const states = (await read(await ask(asked))) as ImageState[]
      return states.map((state) => state && { ...state, packagesAt: new Date(state.packagesAt) })
    },
    async runProgram({ id, program, env }, signal) {
      const body = Readable.from([JSON.stringify(env)])
      const params = { addon: id, program }
      return (await read(await ask({ method: 'POST', path: '/program', params, body, signal }))) as string
    },
    readBackup: (place, signal) => ask({ method: 'GET', path: '/backup', params: { place }, signal }),
    async removeBackup(place, signal) {
      const answer = await ask({ method: 'DELETE', path: '/backup', params: { place }, signal })
      answer.resume()
    },
    readVolume: (volume, { still }, signal) =>
      ask({ method: 'GET', path: '/volume', params: { volume, still: String(still) }, signal }),
    readVolumeBackup: (copy, signal) => ask({ method: 'GET', path: '/volume-copy', params: { copy }, signal }),
    async fillVolume(copy, files, signal) {
      const answer = await ask({ method: 'PUT', path: '/volume-copy', params: { copy }, body: files, signal })
      answer.resume()
    },
    async addonFigures(addon, signal) {
      const figures = (await read(
        await ask({ method: 'GET', path: '/addon', params: { addon }, signal }),
      )) as AddonFigures
      return { ...figures, since: figures.since && new Date(figures.since) }
    },
  }
}

type Sent = Call & { socketPath: string; agent: Agent }

/** @throws what the worker says, an error of `body` as it is, or worker_unavailable */
async function send({ path, params = {}, body, ...options }: Sent): Promise<IncomingMessage> {
  const outgoing = request({ ...options, path: `${path}?${new URLSearchParams(params).toString()}` })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  // Errors after the answer are reported by whoever reads its body.
  outgoing.on('error', () => undefined)
  if (body) pass(body, outgoing)
  else outgoing.end()
  try {
    const [answer] = await answered
    if ((answer.statusCode ?? 0) < 300) return answer
    throw asError(await read(answer))
  } catch (cause) {
    const ownError = body?.errored
    body?.destroy()
    // The worker needs only this part.
    if (body) outgoing.destroy()
    options.signal?.throwIfAborted()
    throw cause === ownError || cause instanceof PaasError ? cause : unavailable(cause)
  }
}

function pass(body: Readable, outgoing: ClientRequest): void {
  body.once('error', (cause) => outgoing.destroy(cause))
  if (body.errored) outgoing.destroy(body.errored)
  else body.pipe(outgoing)
}

async function read(answer: IncomingMessage): Promise<unknown> {
  try {
    return await json(answer)
  } catch (cause) {
    throw unavailable(cause)
  }
}

function asError(told: unknown): PaasError {
  const { code, message, hint } = told as { code: ErrorCode; message: string; hint?: string }
  return new PaasError(code in catalogue ? code : 'internal', message, { hint })
}

function unavailable(cause: unknown): PaasError {
  return new PaasError('worker_unavailable', 'The worker does not answer, so containers cannot be reached.', { cause })
}

/** JSON has them as text. */
function withDates(dyno: Dyno): Dyno {
  const { state } = dyno
  const seen = { ...dyno, createdAt: new Date(dyno.createdAt) }
  if (state.kind === 'created') return seen
  const since = new Date(state.since)
  if (state.kind !== 'restarting') return { ...seen, state: { ...state, since } }
  return { ...seen, state: { ...state, since, nextStart: new Date(state.nextStart) } }
}
