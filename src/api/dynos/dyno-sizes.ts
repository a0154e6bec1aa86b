import { PaasError } from '../../errors.ts'
import type { DynoSize, DynoSizes } from '../../model/formation.ts'
import { appOf } from '../http/access.ts'
import { parseDynoSize } from './dyno-size.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { named, sizeName } from '../http/shapes.ts'

type SizeJson = { id: string; name: string }

const order = { name: ({ name }: SizeJson) => name, id: ({ id }: SizeJson) => id }

/** What a dyno may be: its memory and processors. */
export function dynoSizeRoutes(api: Api, { store, config }: Pick<ApiDeps, 'store' | 'config'>): void {
  const all = (Object.keys(config.dynoSizes) as DynoSize[]).map((size) => sizeJson(config.dynoSizes, size))

  api.get('/dyno-sizes', (request, reply) => page(request, reply, all, order))

  api.get<{ Params: { size: string } }>('/dyno-sizes/:size', ({ params }) => {
    try {
      return sizeJson(config.dynoSizes, parseDynoSize(params.size))
    } catch (cause) {
      throw new PaasError('not_found', (cause as PaasError).message, { cause })
    }
  })

  api.get('/apps/:app/available-dyno-sizes', (request, reply) => {
    appOf(store, request)
    return page(request, reply, all, order)
  })
}

/** The id is the one that formations name. */
function sizeJson(sizes: DynoSizes, size: DynoSize) {
  const { memory, cpus } = sizes[size]
  return {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    // Heroku's schema asks for integers.
    compute: Math.max(1, Math.round(cpus)),
    cost: null,
    dedicated: false,
    generation: named('generation', 'cedar'),
    id: named('dyno size', sizeName(size)).id,
    memory: memory / 1024,
    name: size,
    precise_dyno_units: 0,
    private_space_only: false,
  }
}
