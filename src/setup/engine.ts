import { execFile, spawn } from 'node:child_process'
import { existsSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { SetupProgress } from './progress.ts'

const run = promisify(execFile)

/**
 * Where Docker puts its socket unless it is told otherwise: the only engine that we install or
 * start.
 */
const usualSocket = '/var/run/docker.sock'
const logFile = '/var/log/dockerd.log'
const startMs = 60_000

type Pinged = Pick<Engine, 'info'>

/**
 * `absent`: nothing listens at the usual place, so that one may be installed and started there.
 * @throws engine_unavailable
 */
export async function findEngine(engine: Pinged, docker: Config['docker']): Promise<'running' | 'absent'> {
  try {
    await engine.info()
    return 'running'
  } catch (cause) {
    if (isAbsent(cause) && docker.kind === 'socket' && docker.path === usualSocket) return 'absent'
    throw cause
  }
}

/**
 * Starts Docker by the init system, or as a process of its own where there is none.
 * @throws engine_unavailable
 */
export async function startEngine(engine: Pinged, progress: SetupProgress): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new PaasError('engine_unavailable', 'Docker is not running.', {
      hint: 'Run this, then try again: sudo systemctl start docker',
    })
  }
  if (existsSync('/run/systemd/system')) {
    progress.step('starting Docker (systemctl start docker)')
    await run('systemctl', ['start', 'docker'])
  } else {
    progress.step(`starting Docker (dockerd, its log is ${logFile})`)
    startDaemon()
  }
  await untilRunning(engine, progress)
}

/** In a session of its own: it outlives us and the terminal. */
function startDaemon(): void {
  const log = openSync(logFile, 'a')
  const daemon = spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] })
  daemon.unref()
}

/** It makes its socket before it can answer, and gives no sign when it can. */
async function untilRunning(engine: Pinged, progress: SetupProgress): Promise<void> {
  const deadline = performance.now() + startMs
  for (;;) {
    try {
      await engine.info()
      return
    } catch (cause) {
      if (performance.now() > deadline) {
        const message = `Docker did not answer within ${startMs / 1000} s after its start.`
        throw new PaasError('engine_unavailable', message, { hint: `Its log says why: ${logFile}`, cause })
      }
    }
    progress.detail('waiting for Docker to answer')
    await sleep(200)
  }
}

function isAbsent(thrown: unknown): boolean {
  const cause = thrown instanceof PaasError ? thrown.cause : thrown
  return ['ENOENT', 'ECONNREFUSED'].includes((cause as NodeJS.ErrnoException | undefined)?.code ?? '')
}
