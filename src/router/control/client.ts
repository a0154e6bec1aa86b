import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import { PaasError, type ErrorCode } from '../../errors.ts'
import type { Paths } from '../../paths.ts'
import { controlSockets } from './sockets.ts'
import type { DataDoorControl, RouterControl, RouterMeasurements } from './control.ts'
import type { Call, ControlReply, Results, RouterStatus } from './protocol.ts'

/** A router that is just being replaced has no socket for a moment, milliseconds. */
const patience = 5_000
const retryInterval = 50
/** Milliseconds for the router's part of a call. */
const answerTime = 15_000
/** The same, where it has only to say how it is. */
const statusTime = 5_000

/** Calls the router at `socketPath`; each call opens a connection of its own. */
export function connectRouterControl(socketPath: string): RouterControl {
  return {
    async install(table) {
      await call(socketPath, { call: 'install', table })
    },
    switchTo: (route) => call(socketPath, { call: 'switchTo', route }),
    async remove(appId) {
      await call(socketPath, { call: 'remove', appId })
    },
    prove: (proofs) => call(socketPath, { call: 'prove', proofs }),
    silences: (forMs) => call(socketPath, { call: 'silences', forMs }),
    drain: (targetIds, timeoutMs) => call(socketPath, { call: 'drain', targetIds, timeoutMs }),
  }
}

export function connectDataDoors(socketPath: string): DataDoorControl {
  return { installDoors: (doors) => call(socketPath, { call: 'doors', doors }) }
}

/** Asks the router at `socketPath` what it has counted. */
export function connectRouterMeasurements(socketPath: string): RouterMeasurements {
  return {
    totals: () => callIfThere(socketPath, { call: 'measurements' }),
    minute: (appId) => callIfThere(socketPath, { call: 'minute', appId }),
  }
}

/** @returns undefined when no router listens at `socketPath` */
export async function routerStatus(socketPath: string): Promise<RouterStatus | undefined> {
  return callIfThere(socketPath, { call: 'status' })
}

/**
 * Which of a router's processes there are, the first one first.
 * @throws router_unavailable when that one hangs
 */
export async function routersThere(paths: Pick<Paths, 'routerSocket'>) {
  const ask = async (socket: string): Promise<{ socket: string; status: RouterStatus }[]> => {
    const status = await routerStatus(socket)
    return status === undefined ? [] : [{ socket, status }]
  }
  const [first = '', ...others] = controlSockets(paths)
  return (await Promise.all([ask(first), ...others.map((socket) => ask(socket).catch(() => []))])).flat()
}

/**
 * Makes the router leave its port and sockets, and finish what is in progress.
 * @returns its last table
 */
export async function retireRouter(socketPath: string): Promise<Results['retire'] | undefined> {
  return callIfThere(socketPath, { call: 'retire' })
}

/**
 * Tells the router that its server is stopping: it keeps serving until another takes over, at most
 * for `seconds` if given.
 * @returns undefined when no router listens at `socketPath`
 */
export async function awaitSuccessor(socketPath: string, seconds?: number): Promise<null | undefined> {
  return callIfThere(socketPath, { call: 'awaitSuccessor', ...(seconds === undefined ? {} : { seconds }) })
}

/**
 * @param end `may end`: one that ends before it answers counts as one that is not there
 * @returns undefined when no router listens at `socketPath`
 * @throws router_unavailable
 */
export async function callIfThere<C extends Call>(
  socketPath: string,
  message: C,
  end: 'is failure' | 'may end' = 'is failure',
): Promise<Results[C['call']] | undefined> {
  const socket = await open(socketPath)
  if (socket === undefined) return undefined
  const asked = await ask(socket, message)
  if (asked === 'ended' && end === 'may end') return undefined
  return resultOf(asked)
}

async function call<C extends Call>(socketPath: string, message: C): Promise<Results[C['call']]> {
  const end = performance.now() + patience
  for (;;) {
    const socket = await open(socketPath)
    if (socket !== undefined) return resultOf(await ask(socket, message))
    if (performance.now() > end) throw new PaasError('router_unavailable', 'The router is not running.')
    await delay(retryInterval)
  }
}

async function open(socketPath: string): Promise<Socket | undefined> {
  const socket = connect(socketPath)
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>()
  socket.on('connect', () => resolve(socket))
  socket.on('error', () => resolve(undefined))
  return promise
}

/** @returns `ended` when the connection did before the whole answer was there */
async function ask<C extends Call>(
  socket: Socket,
  message: C,
): Promise<{ result: Results[C['call']] } | Failed | 'ended'> {
  const time = message.call === 'status' ? statusTime : answerTime + (message.call === 'drain' ? message.timeoutMs : 0)
  let isLate = false
  socket.setTimeout(time, () => {
    isLate = true
    socket.destroy()
  })
  socket.end(`${JSON.stringify(message)}\n`)
  const reply = parse(await text(socket).catch(() => ''))
  if (isLate) throw new PaasError('router_unavailable', `The router did not answer within ${time / 1000} s.`)
  return (reply as { result: Results[C['call']] } | Failed | undefined) ?? 'ended'
}

type Failed = Extract<ControlReply, { error: object }>

function resultOf<R>(asked: { result: R } | Failed | 'ended'): R {
  if (asked === 'ended') throw new PaasError('router_unavailable', 'The router did not answer.')
  if ('error' in asked) throw new PaasError(asked.error.code as ErrorCode, asked.error.message)
  return asked.result
}

function parse(reply: string): unknown {
  try {
    return JSON.parse(reply)
  } catch {
    return undefined // it broke off
  }
}
