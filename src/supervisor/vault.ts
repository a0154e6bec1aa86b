import { spawn } from 'node:child_process'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { listenAt } from '../unix-socket.ts'
import { isBundled, sparingEnvironment } from './role-process.ts'
import type { ServerLog } from './server-log.ts'

type Options = { config: Pick<Config, 'paths'>; rolesDirectory: string; env: NodeJS.ProcessEnv }

/** Processes at one time; further connections wait. */
const mostAtOnce = 3

/**
 * Starts a process for each connection of the worker, which reads and writes the backup target on
 * its behalf and runs as the user that started the server. So the worker need not have the target's
 * keys, and an idle server no process more. Nothing of a connection is read here. Disposal ends
 * them.
 */
export async function openVault({ config, rolesDirectory, env }: Options, log: ServerLog): Promise<AsyncDisposable> {
  const file = join(rolesDirectory, isBundled ? 'vault.js' : 'vault.ts')
  const stop = new AbortController()
  const waiting: Socket[] = []
  let running = 0
  const next = (): void => {
    const socket = running < mostAtOnce && !stop.signal.aborted ? waiting.shift() : undefined
    if (!socket) return
    running++
    const child = spawn(process.execPath, [file], {
      stdio: [socket, log.fd, log.fd],
      env: { ...sparingEnvironment, ...env },
      signal: stop.signal,
    })
    child.on('error', () => undefined) // the worker sees its connection end
    child.once('close', () => (running--, next()))
    socket.destroy() // the child has it
  }
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => undefined)
    waiting.push(socket)
    next()
  })
  await listenAt(config.paths.vaultSocket, server)
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      for (const socket of waiting) socket.destroy()
      await new Promise((closed) => server.close(closed))
    },
  }
}
