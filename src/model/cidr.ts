import { BlockList, isIP } from 'node:net'

/**
 * A network as CIDR notation has it (RFC 4632, RFC 4291 section 2.3); bits after the prefix may be
 * set.
 */
export type Cidr = { address: string; prefix: number; family: 'ipv4' | 'ipv6' }

/** undefined for invalid text */
export function parseCidr(text: string): Cidr | undefined {
  const [, address = '', digits] = /^([^/%]+)\/(\d{1,3})$/.exec(text) ?? []
  const [version, prefix] = [isIP(address), Number(digits)]
  if (version === 0 || prefix > (version === 4 ? 32 : 128)) return undefined
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** An IPv4 address as a number. */
export function numberOf(address: string): number {
  return address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
}

/**
 * What tells the addresses in these networks from others. What is none of them is passed over:
 * settings are checked before.
 */
export function blockListOf(networks: string[]): BlockList {
  const list = new BlockList()
  for (const { address, prefix, family } of networks.flatMap((text) => parseCidr(text) ?? [])) {
    list.addSubnet(address, prefix, family)
  }
  return list
}

/** @param address of either family */
export function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
