import { existsSync, readFileSync } from 'node:fs'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import type { Config } from '../config.ts'
import { AddressPolicy } from './addresses.ts'

/** What all connections to addresses that users entered have in common. */
export type Outbound = {
  policy: AddressPolicy
  /** Whom TLS trusts: what Node does, and the authorities that the environment names. */
  trust: () => SecureContext
}

export function createOutbound(config: Pick<Config, 'outbound' | 'certificateFiles' | 'httpPort'>): Outbound {
  let context: SecureContext | undefined
  return {
    policy: new AddressPolicy({ allow: config.outbound.allow, ownPorts: [config.httpPort, 80, 443] }),
    trust: () => (context ??= createTrust(config.certificateFiles)),
  }
}

function createTrust(files: string[]): SecureContext {
  return createSecureContext({
    ca: [
      ...getCACertificates('default'),
      ...files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8')),
    ],
  })
}
