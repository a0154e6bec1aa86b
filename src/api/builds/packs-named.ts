import type { AnyPack } from '../../build/detect.ts'
import { isPackPath } from '../../build/pack-path.ts'
import { isPackUrl, parsePackUrl } from '../../build/pack-url.ts'
import { packNamed } from '../../build/packs.ts'
import { PaasError } from '../../errors.ts'
import type { AddressPolicy } from '../../outbound/addresses.ts'
import { checkDestination } from '../../outbound/destination.ts'
import { httpSchemes } from '../../outbound/post.ts'
import { destinationOf } from '../../outbound/url.ts'
import { knownPack, packFullName, packUrn } from './buildpack-registry.ts'

/** How many packs build an app at most. */
export const mostPacks = 20

/**
 * The packs that a user names, in that order.
 * @throws invalid_params for an unknown pack or one named twice; address_forbidden
 */
export async function packsNamed(texts: string[], policy: AddressPolicy): Promise<AnyPack[]> {
  const packs = texts.map((text) => packOf(text, policy))
  refuseRepetition(packs)
  const destinations = packs.filter(isPackUrl).map((pack) => destinationOf(new URL(pack), httpSchemes))
  await Promise.all(destinations.map((destination) => checkDestination(policy, destination)))
  return packs
}

/** One that has only an address is called by it, as on Heroku. */
export function nameAndUrl(pack: string): { name: string; url: string } {
  return isPackUrl(pack) || isPackPath(pack)
    ? { name: pack, url: pack }
    : { name: packFullName(pack), url: packUrn(pack) }
}

function packOf(text: string, policy: AddressPolicy): AnyPack {
  const ours = packNamed(text)
  if (ours) return ours
  if (isPackPath(text)) return text
  return isPackUrl(text) ? parsePackUrl(text, policy) : knownPack(text, 'invalid_params')
}

function refuseRepetition(packs: AnyPack[]): void {
  const twice = packs.find((pack, index) => packs.indexOf(pack) !== index)
  if (twice) throw new PaasError('invalid_params', `The buildpack ${nameAndUrl(twice).name} is named twice.`)
}
