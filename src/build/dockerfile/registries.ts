import type { Registries } from '../../model/network.ts'

/** What a name without a registry belongs to, as everywhere. */
const usual = 'docker.io'

/**
 * containers-policy.json(5): what the builder may fetch. Images that are there already are ours.
 */
export function policyFile(registries: Registries): string {
  const accept = [{ type: 'insecureAcceptAnything' }]
  const scopes = registries === 'any' ? [''] : registries.map(({ location }) => location)
  return JSON.stringify({
    default: [{ type: 'reject' }],
    transports: {
      docker: Object.fromEntries(scopes.map((scope) => [scope, accept])),
      'containers-storage': { '': accept },
      'docker-archive': { '': accept },
    },
  })
}

/** containers-registries.conf(5). */
export function registriesFile(registries: Registries): string {
  const plain = registries === 'any' ? [] : registries.filter(({ insecure }) => insecure)
  return [
    `unqualified-search-registries = ["${usual}"]`,
    'short-name-mode = "disabled"',
    ...plain.map(({ location }) => `[[registry]]\nlocation = "${location}"\ninsecure = true`),
    '',
  ].join('\n')
}

/** True when the image, as a Dockerfile names it, is from a registry that the operator allows. */
export function isAllowedImage(image: string, registries: Registries): boolean {
  if (registries === 'any') return true
  const full = qualified(image)
  return registries.some(({ location }) =>
    location.startsWith('*.')
      ? full.split(/[:/]/)[0]?.endsWith(location.slice(1))
      : full === location || [`${location}/`, `${location}:`].some((start) => full.startsWith(start)),
  )
}

export function nameRegistries(registries: Registries): string {
  if (registries === 'any') return 'any registry'
  return registries.map(({ location }) => location).join(', ') || 'no registry'
}

/**
 * The first part of a name is a registry when it has a dot or a port, or is localhost (Docker's
 * reference grammar).
 */
function qualified(image: string): string {
  const [first = '', ...rest] = image.split('/')
  if (rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')) return image
  return rest.length > 0 ? `${usual}/${image}` : `${usual}/library/${image}`
}
