import { promises as dns } from 'node:dns'
import { connect, isIP } from 'node:net'
import type { DnsSetter } from '../../acme-settings.ts'
import { CertificateTrouble } from '../trouble.ts'
import type { RecordSetter } from './setter.ts'
import { answerCode, updateMessage, type TextChange } from './update-message.ts'

type Server = Extract<DnsSetter, { kind: 'rfc2136' }>

/** Milliseconds for one update. */
const patience = 10_000
/** RFC 1035, RFC 2136 and RFC 8945. */
const refusals: Record<number, string> = {
  2: 'it is out of order (SERVFAIL)',
  5: 'it does not let us (REFUSED)',
  9: 'the zone is not its own, or it takes no update without the key that it knows (NOTAUTH)',
  10: 'the name is not in the zone (NOTZONE)',
}

/** Asks a name server to change the records of its zone (RFC 2136). */
export function updateSetter(server: Server): RecordSetter {
  const change = async (verb: TextChange['verb'], name: string, text: string): Promise<void> => {
    const where = `${server.host}:${server.port}`
    try {
      const address = isIP(server.host) ? server.host : (await dns.lookup(server.host)).address
      const zone = server.zone ?? (await zoneOf(name, { address, port: server.port }))
      const { id, bytes } = updateMessage({ zone, name, text, verb }, server.key, Math.floor(Date.now() / 1000))
      const code = answerCode(await ask({ address, port: server.port }, bytes), id)
      if (code !== 0) throw new Error(refusals[code ?? -1] ?? `it answers with code ${code}`)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new CertificateTrouble('authority', `The name server ${where} did not ${verb} ${name}: ${why}.`)
    }
  }
  return {
    set: (name, text) => change('set', name, text),
    unset: (name, text) => change('unset', name, text),
  }
}

type Place = { address: string; port: number }

/** How a name server says that it has no such record, or that the name is not in its zones. */
const absences = ['ENODATA', 'ENOTFOUND', 'EREFUSED']

/** The nearest name above that has a start of authority. */
async function zoneOf(name: string, { address, port }: Place): Promise<string> {
  const resolver = new dns.Resolver({ timeout: 2_000, tries: 4 })
  resolver.setServers([isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`])
  const labels = name.split('.')
  for (const at of labels.keys()) {
    const zone = labels.slice(at).join('.')
    const found = await resolver.resolveSoa(zone).catch((cause: NodeJS.ErrnoException) => {
      if (!absences.includes(cause.code ?? '')) throw cause
    })
    if (found) return zone
  }
  throw new Error(`it has no zone with ${name}`)
}

/** Over TCP: two bytes of length, then the message (RFC 1035 section 4.2.2). */
async function ask({ address: host, port }: Place, message: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const socket = connect({ host, port })
  socket.setTimeout(patience, () => socket.destroy(new Error(`it did not answer within ${patience / 1000} s`)))
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  socket.write(Buffer.concat([length, message]))
  let received = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
    resolve(received.subarray(2))
    socket.destroy()
  })
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('it closed the connection without an answer')))
  return promise
}
