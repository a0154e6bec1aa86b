import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { lockFile, readLock, type FileLock } from '../lock.ts'
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

type Holder = { pid: number; settings: string }

/**
 * Adopts the router that a killed supervisor left serving, if it answers and has the same settings; else starts another,
 * which takes over from it (router/run). The apps' visitors notice neither.
 */
export async function startRouter(spec: RouterSpec): Promise<Running> {
  using lock = await lockFile(spec.lock)
  if (lock) return await startWith(lock, spec)
  const left = await leftRouter(spec)
  if (left) return left
  rmSync(spec.lock) // it stays locked by the old router under no name
  using own = await lockFile(spec.lock, { wait: AbortSignal.timeout(1_000) })
  if (own) return await startWith(own, spec)
  throw new Error(`somebody else just took ${spec.lock}`)
}

async function startWith(lock: FileLock, spec: RouterSpec): Promise<Running> {
  lock.describe('')
  const router = await spec.start(lock.fd)
  try {
    lock.describe(JSON.stringify({ pid: router.pid, settings: spec.settings } satisfies Holder))
  } catch (cause) {
    router.signal('SIGTERM')
    throw cause
  }
  return router
}

/** A description that is empty is of one whose supervisor died as it started it; that one stops by itself (main/run-role). */
async function leftRouter({ lock, settings, controlSocket }: RouterSpec): Promise<Running | undefined> {
  const holder = readLock(lock)
  if (holder === '') return undefined
  const left = JSON.parse(holder) as Holder
  return left.settings === settings && (await answers(controlSocket)) ? adopt(left.pid, lock) : undefined
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
