import { readFileSync } from 'node:fs'
import { Cipher, createKey } from '../../cipher.ts'
import type { AppRoute, HostCertificate, RoutingTable } from '../../model/route.ts'

const mark = 'sealed:'

/**
 * Seals the private keys of a table for the disk, with a key in a file of the router's own: the
 * table's file alone, in a backup or a report, does not reveal them, and the router can start from
 * it without the api.
 */
export class SealedKeys {
  readonly #path: string
  #cipher: Cipher | undefined

  /** @param path of the key, which is made when it is needed first */
  constructor(path: string) {
    this.#path = path
  }

  seal(table: RoutingTable): RoutingTable {
    const seal = (certificate: HostCertificate): HostCertificate[] => [this.#seal(certificate)]
    return changeCertificates({ ...table, routes: table.routes.map((route) => this.sealRoute(route)) }, seal)
  }

  sealRoute(route: AppRoute): AppRoute {
    return changeCertificates(route, (certificate) => [this.#seal(certificate)])
  }

  /**
   * Certificates whose keys cannot be opened are left out: the worker sends them again, and
   * visitors see the server's own meanwhile.
   */
  open(table: RoutingTable): RoutingTable {
    const open = (certificate: HostCertificate): HostCertificate[] => this.#open(certificate)
    return changeCertificates({ ...table, routes: table.routes.map((route) => changeCertificates(route, open)) }, open)
  }

  #seal(certificate: HostCertificate): HostCertificate {
    const sealed = this.#own().seal(certificate.key, certificate.certificate)
    return { ...certificate, key: `${mark}${sealed.toString('base64')}` }
  }

  #open(certificate: HostCertificate): HostCertificate[] {
    // The format of older tables.
    if (!certificate.key.startsWith(mark)) return [certificate]
    try {
      const sealed = Buffer.from(certificate.key.slice(mark.length), 'base64')
      return [{ ...certificate, key: this.#own().open(sealed, certificate.certificate) }]
    } catch {
      return []
    }
  }

  #own(): Cipher {
    if (this.#cipher) return this.#cipher
    createKey(this.#path)
    this.#cipher = new Cipher(readFileSync(this.#path))
    return this.#cipher
  }
}

function changeCertificates<T extends { certificates?: HostCertificate[] }>(
  owner: T,
  change: (certificate: HostCertificate) => HostCertificate[],
): T {
  return owner.certificates ? { ...owner, certificates: owner.certificates.flatMap(change) } : owner
}
