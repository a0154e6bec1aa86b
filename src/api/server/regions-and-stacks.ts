import { PaasError } from '../../errors.ts'
import { region } from '../apps/app-json.ts'
import { stackName } from '../apps/apps.ts'
import type { Api } from '../deps.ts'
import { page } from '../http/page.ts'
import { named, time } from '../http/shapes.ts'

const since = time(new Date('2026-01-01T00:00:00Z'))

const stacks = [{ ...named('stack', stackName), created_at: since, default: true, state: 'public', updated_at: since }]
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

/** Regions and stacks: one each, so that clients which ask find something. */
type Place = { id: string; name: string }

export function regionAndStackRoutes(api: Api): void {
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
