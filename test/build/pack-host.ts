import { Builder, docker } from './builder.ts'
import { PackServer } from './pack-server.ts'

/** A server of packs at an address that is nobody else's, which builds of this builder may reach. */
export class PackHost implements AsyncDisposable {
  readonly server: PackServer
  readonly builder: Builder
  readonly #network: string

  private constructor(network: string, server: PackServer, builder: Builder) {
    this.#network = network
    this.server = server
    this.builder = builder
  }

  static async start(): Promise<PackHost> {
    const network = `paas-pack-host-${process.pid}`
    await docker('network', 'create', network)
    const gateway = await docker('network', 'inspect', network, '--format', '{{(index .IPAM.Config 0).Gateway}}')
    const address = gateway.output.trim()
    const server = await PackServer.start(address)
    // What listens on the machine is closed to builds, but for the port of the server itself.
    const own = { PAAS_DOMAIN: 'paas.example', PAAS_HTTP_PORT: String(server.port) }
    const builder = new Builder({ ...own, PAAS_ALLOW_NETWORKS: `${address}/32` })
    await builder.engine.secureHost()
    return new PackHost(network, server, builder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.builder[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
    await docker('network', 'rm', this.#network)
  }
}
