import { constants } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls'
import { formatAnswer } from '../error-page.ts'
import type { Logger } from '../../log.ts'
import type { RouterLimits } from '../limits.ts'
import { plainAddress, type Peer } from '../origin.ts'
import type { RefusedRequest } from '../refused-request.ts'
import { Roster } from '../roster.ts'
import { answerForRefusal } from '../router-error.ts'
import type { TlsIdentity } from './identity.ts'
import { SecureSocket } from './secure-socket.ts'

/** Who connected, and to which port of ours. */
type Entering = { peer: Peer; port: number }
/** Until `late` ends it. */
type InHandshake = { raw: Socket; arrival: Entering; late: NodeJS.Timeout; place: number }

export type TlsDoorDeps = {
  /** The server's own. */
  identity: TlsIdentity
  ticketKeys: Buffer
  /** What visitors of this host are shown instead, if anything. */
  identityOf: (host: string) => Promise<TlsIdentity | undefined>
  /** What clients that name no host, but came to this address, are shown instead, if anything. */
  identityAt: (address: string) => TlsIdentity | undefined
  /** What is shown to authorities that look whether a host is ours; `any`: they may come now. */
  proofs: { readonly any: boolean; identityFor(host: string): TlsIdentity | undefined }
  limits: Pick<RouterLimits, 'handshake' | 'linger'>
  /** HTTP/2 is offered beside HTTP/1.1. */
  http2: boolean
  log: Logger
  /** A handshake is done. `sni`: the host that the client named in it, lower-case. */
  onSecure: (socket: TLSSocket, arrival: Entering & { sni: string | undefined; http2: boolean }) => void
  /** A request came without TLS, and is refused. @returns its id */
  onPlain: (refused: RefusedRequest) => string
  /** A connection is closed without either. */
  onFailed: () => void
}

/** The first byte of every TLS connection: RFC 8446 section 5.1. */
const handshakeRecord = 0x16
/** RFC 8737, as it is in a client's first message. */
const proofProtocol = 'acme-tls/1'
const plainHttp = answerForRefusal(400, 'this port requires TLS; use https:// in the URL')

/** Takes connections as they were accepted, and gives them on when their handshake is done. */
export class TlsDoor {
  readonly #deps: TlsDoorDeps
  readonly #entering = new Roster<InHandshake>()
  readonly #contexts = new WeakMap<TlsIdentity, SecureContext>()
  readonly #onFailed = (): void => this.#deps.onFailed()
  #context: SecureContext

  constructor(deps: TlsDoorDeps) {
    this.#deps = deps
    this.#context = contextOf(deps.identity, deps.ticketKeys)
  }

  /** What new connections are shown from now on. */
  show(identity: TlsIdentity): void {
    this.#context = contextOf(identity, this.#deps.ticketKeys)
  }

  enter(raw: Socket, arrival: Entering): void {
    const late = setTimeout(() => raw.destroy(), this.#deps.limits.handshake)
    const entering = { raw, arrival, late, place: -1 }
    this.#entering.add(entering)
    raw.on('close', () => {
      clearTimeout(late)
      this.#entering.delete(entering)
    })
    raw.on('close', this.#onFailed)
    // oxlint-disable-next-line no-empty-function -- `close` follows and is what is acted on
    raw.on('error', () => {})
    this.#greet(entering)
  }

  #greet(entering: InHandshake): void {
    const { raw, arrival } = entering
    raw.once('readable', () => {
      const bytes = raw.read() as Buffer | null
      if (bytes === null) return void raw.destroy()
      raw.unshift(bytes)
      if (bytes[0] !== handshakeRecord) return this.#explain(raw, arrival.peer, bytes)
      if (!this.#deps.proofs.any) return this.#shakeHands(entering)
      // The first message is read whole: what it asks for decides what is shown.
      if (!isWhole(bytes)) return this.#greet(entering)
      if (bytes.includes(proofProtocol)) return this.#prove(raw)
      this.#shakeHands(entering)
    })
  }

  /** An authority looks at the certificate, and goes. */
  #prove(raw: Socket): void {
    raw.off('close', this.#onFailed)
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext: this.#context,
      SNICallback: (host, answer) => {
        const identity = this.#deps.proofs.identityFor(host.toLowerCase())
        if (identity) answer(null, contextOf(identity, this.#deps.ticketKeys))
        else answer(new Error('nobody is to prove this host'))
      },
      ALPNProtocols: [proofProtocol],
    })
    socket.on('error', () => socket.destroy())
    socket.once('secure', () => socket.end())
  }

  /** Closes what has not come through. */
  close(): void {
    for (const { raw } of this.#entering.all()) raw.off('close', this.#onFailed).destroy()
  }

  #shakeHands(entering: InHandshake): void {
    const { raw, arrival, late } = entering
    const socket = new SecureSocket(raw, {
      isServer: true,
      secureContext: this.#contextAt(raw.localAddress),
      SNICallback: (host, answer) => void this.#contextFor(host.toLowerCase()).then((context) => answer(null, context)),
      // A client that offers neither is refused in the handshake.
      ALPNProtocols: this.#deps.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    })
    socket.on('error', () => socket.destroy())
    socket.once('secure', () => {
      clearTimeout(late)
      this.#entering.delete(entering)
      raw.off('close', this.#onFailed)
      // Node's types do not say that this is false when the client sent no server name.
      const { servername } = socket as { servername?: string | false }
      // RFC 6066 section 3: an address is no server name, but some clients send one.
      const sni = servername && !isIP(servername) ? servername.toLowerCase() : undefined
      this.#deps.onSecure(socket, { ...arrival, sni, http2: socket.alpnProtocol === 'h2' })
    })
  }

  #contextAt(address: string | undefined): SecureContext {
    const identity = this.#deps.identityAt(plainAddress(address))
    return identity === undefined ? this.#context : this.#keptContext(identity)
  }

  #keptContext(identity: TlsIdentity): SecureContext {
    const context = this.#contexts.get(identity) ?? contextOf(identity, this.#deps.ticketKeys)
    this.#contexts.set(identity, context)
    return context
  }

  /**
   * Must not throw: that would be the end of this process. undefined: the server's own is shown.
   */
  async #contextFor(host: string): Promise<SecureContext | undefined> {
    try {
      const identity = await this.#deps.identityOf(host)
      return identity && this.#keptContext(identity)
    } catch (cause) {
      this.#deps.log.error({ err: cause, host }, 'certificate cannot be shown')
      return undefined
    }
  }

  /**
   * Somebody typed http:// where https:// is spoken. What is still coming is read, or the answer
   * would be reset.
   */
  #explain(raw: Socket, { address }: Peer, bytes: Buffer): void {
    const { limits, onPlain } = this.#deps
    raw.off('close', this.#onFailed)
    const head = bytes.toString('latin1')
    const requestId = onPlain({ head, answer: plainHttp, origin: { address, scheme: 'http' } })
    raw.end(formatAnswer(plainHttp, { request: undefined, requestId, keptFor: undefined }))
    raw.resume()
    raw.on('end', () => raw.destroySoon())
    setTimeout(() => raw.destroy(), limits.linger).unref()
  }
}

/** Of the first record: RFC 8446 section 5.1. */
function isWhole(bytes: Buffer): boolean {
  return bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt16BE(3)
}

function contextOf({ certificate, key }: TlsIdentity, ticketKeys: Buffer): SecureContext {
  const secureOptions = constants.SSL_OP_NO_RENEGOTIATION
  return createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2', secureOptions, ticketKeys })
}
