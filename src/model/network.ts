/** A TCP port of this machine, at one IPv4 address of it or at any. */
export type HostPort = { address?: string; port: number }

/**
 * `location`: a registry, or part of one, such as `ghcr.io/acme`, `*.example.com`; insecure:
 * without TLS.
 */
export type Registries = 'any' | { location: string; insecure: boolean }[]

export type RedisAddress = { kind: 'embedded'; socket: string } | { kind: 'url'; url: string }
/** `gate`: the socket of what passes on to the engine only what a worker has need of. */
export type EngineAddress =
  | { kind: 'socket'; path: string }
  | { kind: 'gate'; path: string }
  | { kind: 'tcp'; host: string; port: number }

/**
 * Who is asked whether a domain's owner has it lead here: these name servers, or those of the
 * machine; undefined: nobody.
 */
export type DomainProofSetting = { servers: string[] } | undefined
