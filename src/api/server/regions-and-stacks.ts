import { PaasError } from '../../errors.ts'
import { region } from '../apps/place.ts'
import { usualStack } from '../../model/stack.ts'
import { stackNames } from '../../build/stack/definition.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { named, time } from '../http/shapes.ts'

const since = time(new Date('2026-01-01T00:00:00Z'))

const regions = [
  {
    ...region,
    country: 'Self-hosted',
    created_at: since,
    description: 'This server',
    locale: 'Self-hosted',
    private_capable: false,
    provider: { name: 'paas' },
    updated_at: since,
  },
]

/** Regions and stacks. There is one region, so that clients which ask find something. */
type Place = { id: string; name: string }

export function regionAndStackRoutes(api: Api, { config }: Pick<ApiDeps, 'config'>): void {
  const stacks = stackNames(config.stacksDirectory).map(stackJson)
  for (const [plural, all] of Object.entries<Place[]>({ regions, stacks })) {
    api.get(`/${plural}`, (request, reply) =>
      page(request, reply, all, { name: (item) => item.name, id: (item) => item.id }),
    )
    api.get<{ Params: { place: string } }>(`/${plural}/:place`, (request) => {
      const { place } = request.params
      const found = all.find(({ id, name }) => id === place || name === place)
      if (found) return found
      throw new PaasError('not_found', `There is no ${plural.slice(0, -1)} ${JSON.stringify(place)}.`)
    })
  }
}

function stackJson(name: string) {
  const times = { created_at: since, updated_at: since }
  return { ...named('stack', name), ...times, default: name === usualStack, state: 'public' }
}
