import type { AddonId } from './ids.ts'

/** How a protocol begins with TLS: at once, or as clients of PostgreSQL or MariaDB ask for it. */
export type DoorProtocol = 'tls' | 'postgres' | 'mysql'

/** A port at which an add-on is reached from outside, with TLS, by those in its networks. */
export type DataDoor = {
  addonId: AddonId
  port: number
  protocol: DoorProtocol
  /** In CIDR notation. */
  networks: string[]
  /** null: it does not run just now. */
  target: { host: string; port: number } | null
  /** Connections at once. */
  most: number
}

export function isDataDoors(value: unknown): value is DataDoor[] {
  return Array.isArray(value) && value.every(isDataDoor)
}

function isDataDoor(value: unknown): boolean {
  const { addonId, port, protocol, networks, target, most } = (value ?? {}) as Record<keyof DataDoor, unknown>
  const { host, port: at } = (target ?? { host: '', port: 1 }) as Record<string, unknown>
  return (
    typeof addonId === 'string' &&
    isPort(port) &&
    (protocol === 'tls' || protocol === 'postgres' || protocol === 'mysql') &&
    Array.isArray(networks) &&
    networks.every((network) => typeof network === 'string') &&
    typeof host === 'string' &&
    isPort(at) &&
    Number.isInteger(most)
  )
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= 65_535
}
