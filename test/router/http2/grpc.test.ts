import {
  credentials,
  makeGenericClientConstructor,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ServerDuplexStream,
  type ServiceClientConstructor,
  type ServiceError,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TlsIdentity } from '../../../src/router/tls/identity.ts'
import { route } from '../helpers/router.ts'
import { startTlsRouter, testIdentity, type TlsRouter } from '../helpers/tls-router.ts'

let authority: TlsIdentity
let identity: TlsIdentity

beforeAll(async () => {
  ;({ authority, identity } = await testIdentity())
})

const edge = { protocol: 'h2c' as const }
const same = (bytes: Buffer): Buffer => bytes
const coding = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same }
const single = { requestStream: false, responseStream: false, ...coding }
const service = {
  greet: { path: '/test.Test/greet', ...single },
  refuse: { path: '/test.Test/refuse', ...single },
  wait: { path: '/test.Test/wait', ...single },
  echo: { path: '/test.Test/echo', ...coding, requestStream: true, responseStream: true },
}

type Ended = (error: Partial<ServiceError> | null, answer?: Buffer) => void
const handlers: UntypedServiceImplementation = {
  greet: ({ request }: { request: Buffer }, end: Ended) => end(null, Buffer.from(`hello ${request.toString()}`)),
  refuse: (_: unknown, end: Ended) => end({ code: status.FAILED_PRECONDITION, details: 'not now' }),
  wait: () => undefined,
  echo: (call: ServerDuplexStream<Buffer, Buffer>) => {
    call.on('data', (piece: Buffer) => call.write(piece))
    call.on('end', () => call.end())
  },
}

async function startServer(): Promise<AsyncDisposable & { port: number }> {
  const server = new Server()
  server.addService(service, handlers)
  const bind = promisify(server.bindAsync.bind(server))
  const port = await bind('127.0.0.1:0', ServerCredentials.createInsecure())
  return { port, [Symbol.asyncDispose]: async () => server.forceShutdown() }
}

type Client = InstanceType<ServiceClientConstructor> & Disposable

function clientOf({ tlsPort }: TlsRouter): Client {
  const Made = makeGenericClientConstructor(service, 'Test')
  const client = new Made(`127.0.0.1:${tlsPort}`, credentials.createSsl(Buffer.from(authority.certificate)), {
    'grpc.ssl_target_name_override': 'app.test',
    'grpc.default_authority': 'app.test',
  })
  return Object.assign(client, { [Symbol.dispose]: () => client.close() })
}

/** The answer, or what went wrong. */
function ask(client: Client, method: string, milliseconds = 10_000): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const options = { deadline: Date.now() + milliseconds }
  client[method]!(Buffer.from('you'), new Metadata(), options, (error: ServiceError | null, answer?: Buffer) =>
    resolve(error ? { code: error.code, details: error.details } : String(answer)),
  )
  return promise
}

describe('a client of gRPC', () => {
  it('gets answers and failures of the app, and streams both ways', async () => {
    await using app = await startServer()
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge })] })
    using client = clientOf(router)
    expect(await ask(client, 'greet')).toBe('hello you')
    expect(await ask(client, 'refuse')).toEqual({ code: status.FAILED_PRECONDITION, details: 'not now' })
    const call = client['echo']!()
    let came = 0
    call.on('data', () => {
      if (++came === 500) call.end()
    })
    const ended = once(call, 'status')
    for (let n = 0; n < 500; n++) call.write(Buffer.alloc(2_000))
    expect(await ended).toMatchObject([{ code: status.OK }])
    expect(came).toBe(500)
  })

  it('gets DEADLINE_EXCEEDED when its deadline is over', async () => {
    await using app = await startServer()
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge })] })
    using client = clientOf(router)
    expect(await ask(client, 'wait', 500)).toMatchObject({ code: status.DEADLINE_EXCEEDED })
  })

  it('gets a status of its own for what the router answers', async () => {
    await using router = await startTlsRouter(identity, { routes: [route([], { state: 'crashed', edge })] })
    using client = clientOf(router)
    const crashed = { code: status.UNAVAILABLE, details: expect.stringMatching(/^App crashed \(H10\)/) }
    expect(await ask(client, 'greet')).toEqual(crashed)
    router.router.routes.switchTo(route([{ port: 1 }], { edge: { ...edge, allow: ['192.0.2.0/24'] } }))
    expect(await ask(client, 'greet')).toMatchObject({ code: status.PERMISSION_DENIED })
    expect(router.lines[0]).toMatch(/^at=error code=H10 .* status=503/)
  })
})
