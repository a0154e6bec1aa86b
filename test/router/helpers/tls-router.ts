import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Socket } from 'node:net'
import type { AppCertificates } from '../../../src/router/tls/app-certificates.ts'
import type { TlsIdentity } from '../../../src/router/tls/identity.ts'
import { createAuthority, issueCertificate } from '../../../src/router/tls/authority.ts'
import { startRouter, type RouterOptions, type TestRouter } from './router.ts'

/** An authority for names below `test` and this machine, and what it made for these. */
export async function testIdentity(
  shown = ['paas.test', 'app.test', 'localhost', '127.0.0.1'],
): Promise<{ authority: TlsIdentity; identity: TlsIdentity }> {
  const names = ['test', 'localhost', '127.0.0.1']
  const authority = await createAuthority({ name: 'paas test', names, days: 2 })
  return { authority, identity: await issueCertificate(authority, { names: shown, days: 1 }) }
}

export type TlsRouter = TestRouter & {
  tlsPort: number
  /** What came through to whoever serves one-off dynos. */
  rendezvous: Socket[]
}

type TlsRouterOptions = RouterOptions & { appCertificates?: AppCertificates; ticketKeys?: Buffer; http2?: boolean }

/** A router that speaks TLS too, in front of a real socket for one-off dynos. */
export async function startTlsRouter(
  identity: TlsIdentity,
  { appCertificates, http2 = true, ...options }: TlsRouterOptions = {},
): Promise<TlsRouter> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-rendezvous-'))
  const rendezvousSocket = join(directory, 'socket')
  const rendezvous: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    rendezvous.push(socket)
  }).listen(rendezvousSocket)
  await once(server, 'listening')
  const plain = await startRouter(options)
  const tlsPort = await plain.router.listenWithTls(
    { port: 0, shared: false },
    { identity, http2, ticketKeys: options.ticketKeys ?? randomBytes(48), rendezvousSocket, appCertificates },
  )
  return {
    ...plain,
    tlsPort,
    rendezvous,
    async [Symbol.asyncDispose]() {
      await plain[Symbol.asyncDispose]()
      for (const socket of rendezvous) socket.destroy()
      server.close()
      await rm(directory, { recursive: true })
    },
  }
}
