import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import { PaasError, type ErrorCode } from '../../errors.ts'
import type { TreeOrder } from '../../model/tree-order.ts'
import { unlessMissing } from './client.ts'
import { diskUsage, volumeBytes, type DiskUsage } from './disk-usage.ts'
import { gateUnavailable, throughGate } from './gate.ts'
import { secureHost, secureNetwork, type FirewallDeps } from './firewall.ts'

/** What needs rights on this machine beside the engine's socket. */
export type Host = {
  /** @throws host_not_secured */
  secure(): Promise<void>
  /** To be called when a network was made. @throws host_not_secured */
  secureNetwork(): Promise<void>
  /** What a container has written; undefined for one that is gone. */
  diskUsage(container: Docker.Container, most: DiskUsage, signal?: AbortSignal): Promise<DiskUsage | undefined>
  /** Bytes in a volume; undefined where the engine's disk is another machine's. */
  volumeBytes(volume: Docker.Volume): Promise<number | undefined>
}

/** Uses the rights of this process. */
export function ownHost(deps: FirewallDeps): Host {
  return {
    secure: () => secureHost(deps),
    secureNetwork: () => secureNetwork(deps),
    diskUsage: (container, most, signal) =>
      diskUsage((query: object = {}) => unlessMissing(container.inspect(query)), most, signal),
    volumeBytes: (volume) => volumeBytes(() => unlessMissing(volume.inspect())),
  }
}

/** Uses the rights of the gate at this socket. */
export function hostBehind(gate: string): Host {
  return {
    secure: async () => void (await ask(gate, '/host')),
    secureNetwork: async () => void (await ask(gate, '/host/network')),
    diskUsage: async ({ id }, { bytes, files }, signal) => {
      const query = new URLSearchParams({ container: id, bytes: String(bytes), files: String(files) })
      return ((await ask(gate, `/host/disk?${query.toString()}`, signal)) as DiskUsage | null) ?? undefined
    },
    volumeBytes: async ({ name }) => {
      const query = new URLSearchParams({ name })
      return ((await ask(gate, `/host/volume?${query.toString()}`)) as number | null) ?? undefined
    },
  }
}

/**
 * Has the gate at this socket make the image of a tree, which takes its files from the engine and
 * gives them back. The gate is told of each part when it is ready.
 * @returns the image's name; undefined where the engine takes no layer that it has no digest of yet
 */
export function treesAt(gate: string) {
  return async (order: TreeOrder, ready: AsyncIterable<unknown>, signal: AbortSignal): Promise<string | undefined> => {
    const made = await ask(gate, '/host/tree', signal, { values: inOrder(order, ready) })
    return (made as string | null) ?? undefined
  }
}

/** Can be read more than once, if what it is made of can. */
function inOrder(first: unknown, rest: AsyncIterable<unknown>): AsyncIterable<unknown> {
  return {
    async *[Symbol.asyncIterator]() {
      yield first
      yield* rest
    },
  }
}

/** JSON, one value a line, each sent when it comes. */
type Body = { values: AsyncIterable<unknown> }

/** @throws what the gate says, engine_unavailable, or the signal's reason */
async function ask(socketPath: string, path: string, signal?: AbortSignal, body?: Body): Promise<unknown> {
  signal?.throwIfAborted()
  try {
    const answer = await throughGate(() => send(socketPath, path, signal, body), signal)
    const said = await json(answer)
    if (answer.statusCode === 200) return said
    const { code, message, hint } = said as { code: ErrorCode; message: string; hint?: string }
    throw new PaasError(code, message, { hint })
  } catch (cause) {
    signal?.throwIfAborted()
    throw cause instanceof PaasError ? cause : gateUnavailable(socketPath, cause)
  }
}

async function send(socketPath: string, path: string, signal?: AbortSignal, body?: Body): Promise<IncomingMessage> {
  const call = request({ socketPath, path, method: 'POST', agent: false, ...(signal && { signal }) })
  if (body) write(call, body)
  else call.end()
  const [answer] = (await once(call, 'response')) as [IncomingMessage]
  return answer
}

/** Nothing is read of the body before there is somebody to take it. */
function write(call: ClientRequest, { values }: Body): void {
  const lines = async function* () {
    for await (const value of values) yield `${JSON.stringify(value)}\n`
  }
  // Who waits for the answer is told.
  const begin = () => void pipeline(lines, call).catch(() => undefined)
  call.once('socket', (socket) => socket.once('connect', begin))
}
