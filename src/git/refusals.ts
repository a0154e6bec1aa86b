import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PaasError } from '../errors.ts'
import type { CommandList } from './command-list.ts'
import { flush, largestPayload, packet } from './pkt-line.ts'

/** One line as git shows it after `remote: `. */
export function lineFor({ message, hint }: PaasError): string {
  return hint === undefined ? message : `${message} ${hint}`
}

/**
 * Answers with the error's status and one line of plain text, which git shows when it asked for the
 * refs.
 */
export async function answerRefusal(req: IncomingMessage, res: ServerResponse, error: PaasError): Promise<void> {
  const text = `${lineFor(error)} (${error.code})\n`
  res.writeHead(error.status, {
    ...(error.status === 401 ? { 'WWW-Authenticate': 'Basic realm="paas", charset="UTF-8"' } : {}),
    ...([429, 503, 507].includes(error.status) ? { 'Retry-After': '30' } : {}),
    ...(req.complete ? {} : { Connection: 'close' }),
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  })
  await endAfter(req, res, text, 10_000)
}

/** True for a client that understands a report in git's own protocol: every git since 1.5.6. */
export function takesReport({ capabilities }: CommandList): boolean {
  return capabilities.has('report-status') || capabilities.has('report-status-v2')
}

/**
 * Refuses every ref of a push in git's own protocol: of an HTTP error git shows nothing but its
 * number at this point. What is still to come is read and kept nowhere.
 * @param reasons one for all refs, or one for each in their order
 */
export async function refusePush(
  req: IncomingMessage,
  res: ServerResponse,
  list: CommandList,
  reasons: string | string[],
): Promise<void> {
  const refused = list.commands.map(
    ({ ref }, index) => `ng ${ref} ${typeof reasons === 'string' ? reasons : reasons[index]}\n`,
  )
  const lines = ['unpack ok\n', ...refused]
  const report = Buffer.concat([...lines.map((line) => packet(line)), flush])
  await endAfter(req, res, list.capabilities.has('side-band-64k') ? inSideband(report) : report)
}

/** Band 1 is the report, cut to what packets carry (gitprotocol-pack(5)). */
function inSideband(report: Buffer): Buffer {
  const packets: Buffer[] = []
  for (let start = 0; start < report.length; start += largestPayload - 1) {
    packets.push(packet(Buffer.concat([Buffer.from([1]), report.subarray(start, start + largestPayload - 1)])))
  }
  return Buffer.concat([...packets, flush])
}

/**
 * Ends the answer once the request is read to its end, and throws away what comes: a client that
 * still sends when the server closes does not see the answer. One that pauses for 3 s, or sends
 * longer than `ms`, is not waited for.
 */
export async function endAfter(
  req: IncomingMessage,
  res: ServerResponse,
  lastWords?: string | Buffer,
  ms = 600_000,
): Promise<void> {
  if (lastWords !== undefined) res.write(lastWords)
  if (!req.complete && !req.destroyed) {
    const { promise, resolve } = Promise.withResolvers<void>()
    const pause = setTimeout(resolve, 3_000)
    const limit = setTimeout(resolve, ms)
    req.on('data', () => pause.refresh())
    for (const event of ['end', 'close']) req.once(event, () => resolve())
    req.unpipe()
    req.resume()
    await promise
    clearTimeout(pause)
    clearTimeout(limit)
  }
  res.end()
}
