import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { resolve } from 'node:path'
import { createStack } from '../../src/build/stack/debian.ts'
import { createToolbox } from '../../src/build/toolbox.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { createLog } from '../../src/log.ts'
import { serviceNamed } from '../../src/model/service.ts'
import { readServices } from '../../src/services/definition.ts'
import { serviceImage } from '../../src/services/image.ts'
import { startServer, type TestServer } from './server.ts'
import { TestEngine } from './test-engine.ts'

type Options = {
  env?: Record<string, string>
  /** Of which the engine has images from the start: a service's name, and its versions in one image. */
  services?: [name: string, versions: string[]][]
}

/** A server on an engine of the test's own, with the images of the stack: that may be killed. */
export class ServerOnEngine implements AsyncDisposable {
  readonly engine: TestEngine
  readonly server: TestServer
  readonly #entrance: Server

  private constructor(engine: TestEngine, server: TestServer) {
    this.engine = engine
    this.server = server
    this.#entrance = forward(server.port, engine.address)
  }

  static async start({ env = {}, services = [] }: Options = {}): Promise<ServerOnEngine> {
    const engine = await TestEngine.start()
    try {
      engine.copyImages(await imagesFor({ env, services }))
      const own = { ...env, DOCKER_HOST: engine.dockerHost }
      const started = new ServerOnEngine(engine, await startServer({ env: own, prefix: engine.enter }))
      await once(started.#entrance, 'listening')
      return started
    } catch (cause) {
      await engine[Symbol.asyncDispose]()
      throw cause
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#entrance.close()
    await this.server.stop()
    await this.engine[Symbol.asyncDispose]()
  }
}

/** The server listens inside the engine's network namespace; tests come from outside it. */
function forward(port: number, address: string): Server {
  return createServer((outer) => {
    const inner = connect(port, address)
    outer.pipe(inner).pipe(outer)
    outer.on('error', () => inner.destroy())
    inner.on('error', () => outer.destroy())
  }).listen(port, '127.0.0.1')
}

/** As this checkout defines them, made where they are not there; found by asking for each as the server does. */
async function imagesFor({ env, services }: Required<Options>): Promise<string[]> {
  const config = loadConfig({ ...env, DOCKER_HOST: process.env['DOCKER_HOST'] })
  const engine = connectDocker({ docker: config.docker, serverId: 'images', log: createLog('test', 'silent') })
  const references = new Set<string>()
  const findImage = (reference: string): ReturnType<Engine['findImage']> => {
    references.add(reference)
    return engine.findImage(reference)
  }
  const asked = { ...engine, findImage }
  const stack = createStack({ engine: asked, config })
  await createToolbox({ engine: asked, stack }).prepare(() => undefined)
  const known = readServices([resolve(import.meta.dirname, '../../services')], (problem) => {
    throw problem
  })
  for (const [name, versions] of services) {
    const service = serviceNamed(known, name)!
    await serviceImage({ engine: asked, stack }, { service, extras: [], versions }, () => undefined)
  }
  return [...references]
}
