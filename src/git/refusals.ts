import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PaasError } from '../errors.ts'
import type { CommandList } from './command-list.ts'
import { flush, largestPayload, packet } from './pkt-line.ts'

/** Milliseconds for which what a client still sends is read and thrown away, so that it gets to read its answer. */
const drainFor = { anybody: 10_000, pusher: 600_000 }

/** One line as git shows it after `remote: `. */
export function lineFor({ message, hint }: PaasError): string {
  return hint === undefined ? message : `${message} ${hint}`
}

/** Answers with the error's status and one line of plain text, which git shows when it asked for the refs. */
export function refuse(req: IncomingMessage, res: ServerResponse, error: PaasError): void {
  res.writeHead(error.status, {
    ...(error.status === 401 ? { 'WWW-Authenticate': 'Basic realm="paas", charset="UTF-8"' } : {}),
    ...([429, 503, 507].includes(error.status) ? { 'Retry-After': '30' } : {}),
    ...(req.complete ? {} : { Connection: 'close' }),
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
  })
  res.end(`${lineFor(error)} (${error.code})\n`)
  drain(req, drainFor.anybody)
}

/**
 * Refuses every ref of a push in git's own protocol: git shows nothing of an HTTP error's text at this point.
 * True when the client understands such a report.
 */
export function refusePush(req: IncomingMessage, res: ServerResponse, list: CommandList, error: PaasError): boolean {
  if (!list.capabilities.has('report-status') && !list.capabilities.has('report-status-v2')) return false
  const reason = lineFor(error)
  const report = [packet('unpack ok\n'), ...list.commands.map(({ ref }) => packet(`ng ${ref} ${reason}\n`)), flush]
  res.end(list.capabilities.has('side-band-64k') ? inSideband(Buffer.concat(report)) : Buffer.concat(report))
  drain(req)
  return true
}

/** Band 1 is the report, cut to what packets carry (gitprotocol-pack(5)). */
function inSideband(report: Buffer): Buffer {
  const packets: Buffer[] = []
  for (let start = 0; start < report.length; start += largestPayload - 1) {
    packets.push(packet(Buffer.concat([Buffer.from([1]), report.subarray(start, start + largestPayload - 1)])))
  }
  return Buffer.concat([...packets, flush])
}

/** Reads what is left of a request whose answer is complete. */
export function drain(req: IncomingMessage, ms = drainFor.pusher): void {
  if (req.complete || req.destroyed) return
  const timer = setTimeout(() => req.destroy(), ms)
  req.once('close', () => clearTimeout(timer))
  req.unpipe()
  req.resume()
}
