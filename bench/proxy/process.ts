import { execFileSync, spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { on, once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** A program that runs and listens. */
export type Listening = AsyncDisposable & { name: string; port: number; pid: number }

/** Runs a command on one core. */
export function start(
  core: number,
  command: string,
  argv: string[],
  options: { env?: NodeJS.ProcessEnv; stdio?: StdioOptions } = {},
): ChildProcess {
  return spawn('taskset', ['-c', String(core), command, ...argv], { stdio: 'ignore', ...options })
}

/** Resolves when it takes connections. @throws when it exits before */
export async function listening(name: string, port: number, child: ChildProcess): Promise<Listening> {
  await untilConnected(port, child)
  return {
    name,
    port,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** Resolves when a role of the server says that it is ready. @throws when it exits before */
export async function untilReady(child: ChildProcess): Promise<void> {
  const messages = on(child, 'message', { close: ['exit'] }) as AsyncIterable<[object]>
  for await (const [message] of messages) if ('ready' in message) return
  throw new Error(`${child.spawnargs.join(' ')} exited with ${child.exitCode}`)
}

/** None of these programs says when it listens, but ours. */
async function untilConnected(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} exited with ${child.exitCode}`)
    const socket = connect(port, '127.0.0.1')
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (connected) return
    await delay(100)
  }
  throw new Error(`${child.spawnargs.join(' ')} does not listen on port ${port}`)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no free port')
  return address.port
}

export function isInstalled(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' })
    return true
  } catch {
    return false // sh says so by its exit code
  }
}

/** The name with the version that the command prints; without one, the name alone. */
export function withVersion(name: string, command: string, flag: string): string {
  const output = execFileSync('sh', ['-c', `${command} ${flag} 2>&1 || true`], { encoding: 'utf8' })
  const version = /\d+(\.\d+)+/.exec(output)?.[0]
  return version === undefined ? name : `${name} ${version}`
}
