import { unlessMissing, type DockerDeps } from './client.ts'
import { ownContainer } from './dynos.ts'
import { runExec } from './exec.ts'

export type Socket = { address: string; port: number }

/** Docker's own resolver listens here in every container of a network of ours. */
const embeddedResolver = '127.0.0.11'

/** The state LISTEN (tcp_states.h). */
const listen = '0A'

/** Listening sockets in a running dyno; none if it does not run or its image has no `cat`. */
export async function listeningSockets(deps: DockerDeps, id: string): Promise<Socket[]> {
  const container = await ownContainer(deps, id)
  const info = container && (await unlessMissing(container.inspect()))
  if (!container || !info?.State.Running || info.State.Restarting) return []
  const output: Buffer[] = []
  await runExec(container, { argv: ['cat', '/proc/net/tcp', '/proc/net/tcp6'] }, ({ stream, data }) => {
    if (stream === 'stdout') output.push(data)
  })
  return parseSockets(Buffer.concat(output).toString()).filter(({ address }) => address !== embeddedResolver)
}

/**
 * Listening sockets of /proc/net/tcp and tcp6 (proc(5)): addresses are 32-bit words in the host's
 * byte order, ports plain hex.
 */
export function parseSockets(table: string): Socket[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/)
    const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local)
    if (state !== listen || !match?.[1] || !match[2]) return []
    return [{ address: addressOf(match[1]), port: Number.parseInt(match[2], 16) }]
  })
}

function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex').swap32()
  if (bytes.length === 4) return bytes.join('.')
  if (/^0{20}FFFF/.test(bytes.toString('hex').toUpperCase())) return bytes.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
