import type { FastifyRequest } from 'fastify'
import { asPaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { newestGood } from '../../model/pending-releases.ts'
import type { Slug } from '../../model/slug.ts'
import type { ImageState } from '../../model/stack.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf } from '../http/access.ts'
import { page } from '../http/page.ts'
import { named, time } from '../http/shapes.ts'

type Deps = Pick<ApiDeps, 'store' | 'containers'>
type Running = { app: App; slug: Slug }

const order = { name: ({ app }: Running) => app.name, id: ({ app }: Running) => app.id }

/** What apps run on, and what of it Debian has newer versions of. Heroku has no call for it. */
export function runImageRoutes(api: Api, deps: Deps): void {
  const { store } = deps

  api.get('/run-images', async (request, reply) => {
    const { account } = request.identity
    const apps = store.apps.list(account.admin ? undefined : { usableBy: account.id })
    const shown = page(request, reply, apps.flatMap((app) => runningOf(deps, app)).map(withId), order)
    return runImages(deps, shown, request)
  })

  api.get('/apps/:app/run-image', async (request) => {
    const app = appOf(store, request)
    const [shown] = await runImages(deps, runningOf(deps, app), request)
    return shown ?? withoutCode(app)
  })
}

function withId(running: Running): Running & { id: string } {
  return { ...running, id: running.app.id }
}

/** With the code that it runs or is to run next, if it has any. */
function runningOf({ store }: Pick<Deps, 'store'>, app: App): Running[] {
  const slugId = newestGood(store.releases.list(app.id))?.slugId
  const slug = slugId ? store.slugs.find(slugId) : undefined
  return slug ? [{ app, slug }] : []
}

async function runImages(deps: Deps, running: Running[], request: FastifyRequest): Promise<object[]> {
  const ours = running.filter(({ slug }) => !isOfDockerfile(slug))
  const { states, problem } = await askStates(deps, ours, request)
  return running.map(({ app, slug }) => {
    const reason = isOfDockerfile(slug) ? 'its Dockerfile says what it runs on; build it again' : problem
    return runImageJson(deps, { app, slug, state: states.get(slug.image) ?? null, reason })
  })
}

/** Without the mirror it is still told what there is. */
async function askStates(
  { containers }: Pick<Deps, 'containers'>,
  running: Running[],
  request: FastifyRequest,
): Promise<{ states: Map<string, ImageState>; problem: string | null }> {
  const gone = new AbortController()
  request.raw.once('close', () => gone.abort())
  const all = new Map<string, ImageState>()
  try {
    for (const [stack, apps] of Map.groupBy(running, ({ slug }) => slug.stack)) {
      const images = [...new Set(apps.map(({ slug }) => slug.image))]
      const states = await containers.imageStates(stack, images, gone.signal)
      for (const [index, image] of images.entries()) all.set(image, states[index] ?? null)
    }
    return { states: all, problem: null }
  } catch (cause) {
    const error = asPaasError(cause)
    if (error.code !== 'stack_unavailable') throw error
    return { states: all, problem: error.message }
  }
}

type Shown = Running & { state: ImageState; reason: string | null }

function runImageJson({ store }: Pick<Deps, 'store'>, { app, slug, state, reason }: Shown): object {
  const move = store.stackUpgrades.lastMove(app.id)
  return {
    app: { id: app.id, name: app.name },
    stack: named('stack', slug.stack),
    movable: !isOfDockerfile(slug),
    packages_at: state && time(state.packagesAt),
    updates: state && state.updates,
    reason: state ? null : (reason ?? 'its image is gone; build it again'),
    last_move: move
      ? { state: move.state.kind, reason: 'reason' in move.state ? move.state.reason : null, at: time(move.updatedAt) }
      : null,
  }
}

function withoutCode(app: App): object {
  const { id, name, stack } = app
  const nothing = { packages_at: null, updates: null, last_move: null }
  return { app: { id, name }, stack: named('stack', stack), movable: false, ...nothing, reason: 'it has no code' }
}

/** The command is the image's own. */
function isOfDockerfile({ processTypes }: Slug): boolean {
  return processTypes['web'] === null
}
