import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { Config } from '../config.ts'

/**
 * Asks the server as a visitor does, for what needs a login.
 * @returns the status of the answer
 * @throws what the network says
 */
export async function statusOfApi({ httpPort, domain }: Pick<Config, 'httpPort' | 'domain'>): Promise<number> {
  const outgoing = request({ host: '127.0.0.1', port: httpPort, path: '/server', headers: { host: domain } })
  outgoing.setTimeout(20_000, () => outgoing.destroy(new Error('no answer within 20 s')))
  const [response] = (await once(outgoing.end(), 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode ?? 0
}
