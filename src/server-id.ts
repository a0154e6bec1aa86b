import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { hostname } from 'node:os'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { directoryKey } from './data-directory.ts'
import { PaasError } from './errors.ts'

/**
 * Milliseconds in which one that is just being killed lets go of the id, and one that lives says
 * who it is.
 */
const patience = 2_000
const longestAnswer = 8_192

type Identified = { serverId: string; dataDirectory: string }
/**
 * Who holds an id: the process, and its data directory by path and by what stays when it is moved.
 */
type Holder = { host: string; pid: number; dataDirectory: string; directory: string }

/**
 * Holds the server's id for this process: what the engine has of one id is looked after by one
 * server. The id is the name of an abstract Unix socket (unix(7)), which the kernel gives to one
 * process of a network namespace and takes back when that ends, however it does.
 * @throws server_id_in_use
 */
export async function holdServerId(server: Identified): Promise<AsyncDisposable> {
  const deadline = AbortSignal.timeout(patience)
  for (;;) {
    const held = await listen(server)
    if (held) return held
    const holder = await findHolder(server.serverId)
    if (holder || deadline.aborted) throw inUse(server, holder)
    await sleep(20)
  }
}

/**
 * Refuses to start while another server holds the id. A process of the same data directory is not
 * another server.
 * @throws server_id_in_use
 */
export async function refuseHeldId(server: Identified): Promise<void> {
  const holder = await findHolder(server.serverId)
  if (holder && holder.directory !== directoryKey(server.dataDirectory)) throw inUse(server, holder)
}

const socketOf = (serverId: string): string => `\0paas-${serverId}`

/** @returns undefined when somebody else has it */
async function listen({ serverId, dataDirectory }: Identified): Promise<AsyncDisposable | undefined> {
  const directory = directoryKey(dataDirectory)
  const holder: Holder = { host: hostname(), pid: process.pid, dataDirectory, directory }
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined).end(JSON.stringify(holder), () => socket.destroy())
  })
  try {
    const listening = once(server, 'listening')
    server.listen(socketOf(serverId))
    await listening
    return server
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw cause
  }
}

/** @returns undefined when nobody answers */
async function findHolder(serverId: string): Promise<Holder | undefined> {
  const socket = connect(socketOf(serverId))
  socket.setTimeout(patience, () => socket.destroy(new Error('no answer')))
  try {
    const answer = await text(limited(socket))
    return JSON.parse(answer) as Holder
  } catch {
    return undefined // nobody listens, or it hangs: the caller then finds the id in use
  } finally {
    socket.destroy()
  }
}

async function* limited(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > longestAnswer) throw new Error('this is no holder of an id')
    yield chunk
  }
}

function inUse({ serverId, dataDirectory }: Identified, holder: Holder | undefined): PaasError {
  const other = holder
    ? `the server on ${holder.dataDirectory} (pid ${holder.pid} on ${holder.host})`
    : 'an unknown process'
  return new PaasError(
    'server_id_in_use',
    `${dataDirectory} cannot be used: its server id ${serverId} is in use by ${other}. One directory is a copy of the other.`,
  )
}
