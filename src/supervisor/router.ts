import { connect } from 'node:net'
import { lockFile, readLock } from '../lock.ts'
import type { Running } from './child.ts'

export type RouterSpec = {
  /** The router holds the lock on this file while it lives; in it stand its pid and settings. */
  lock: string
  controlSocket: string
  /** Whatever a running router must have been started with to be taken over. */
  settings: string
  /** Starts a new one that inherits the descriptor `lock`. */
  start(lock: number): Promise<Running>
}

/** Longer than a router may take to drain. */
const replaceMs = 15_000

type Holder = { pid: number; settings: string }

/**
 * Adopts the router that a killed supervisor left serving, if it answers and has the same settings; else replaces it.
 * The apps' visitors notice neither a supervisor that was killed nor the next one.
 */
export async function startRouter(spec: RouterSpec): Promise<Running> {
  using lock = await lockFile(spec.lock)
  if (!lock) return adoptOrReplace(spec)
  lock.describe('')
  const router = await spec.start(lock.fd)
  lock.describe(JSON.stringify({ pid: router.pid, settings: spec.settings } satisfies Holder))
  return router
}

async function adoptOrReplace(spec: RouterSpec): Promise<Running> {
  const holder = readLock(spec.lock)
  if (holder === '') return startAfterOrphan(spec)
  const { pid, settings } = JSON.parse(holder) as Holder
  const router = adopt(pid, spec.lock)
  if (settings === spec.settings && (await answers(spec.controlSocket))) return router
  router.signal('SIGTERM')
  if (!(await becomesFree(spec.lock))) router.signal('SIGKILL')
  await router.ended
  return startRouter(spec)
}

/** Its supervisor was killed in the moment of starting it. Such a router stops by itself (main/run-role). */
async function startAfterOrphan(spec: RouterSpec): Promise<Running> {
  if (await becomesFree(spec.lock)) return startRouter(spec)
  throw new Error(`a process that nobody knows holds ${spec.lock}`)
}

async function becomesFree(path: string): Promise<boolean> {
  using lock = await lockFile(path, { wait: AbortSignal.timeout(replaceMs) })
  return lock !== undefined
}

/** It is no child of ours, so there is no exit event; but the kernel frees its lock when it ends. */
function adopt(pid: number, lock: string): Running {
  const ended = lockFile(lock, { wait: new AbortController().signal }).then((freed) => {
    freed?.[Symbol.dispose]()
    return 'ended'
  })
  return { pid, ready: Promise.resolve(), ended, signal: (name) => signalProcess(pid, name) }
}

function signalProcess(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause
  }
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket)
    connection.once('error', () => resolve(false))
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
  })
}
