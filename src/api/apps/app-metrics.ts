import { type FigureEntry, minuteOf } from '../../model/figures.ts'
import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { makeReport, periods, spanOf, type Figures, type Period } from '../../metrics/report.ts'
import type { App } from '../../model/app.ts'
import { planNamed, serviceNamed } from '../../model/service.ts'
import { servicesOf } from '../addons/deps.ts'
import { appOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { time } from '../http/shapes.ts'

type Deps = Pick<ApiDeps, 'store' | 'measured' | 'config' | 'log'>

/**
 * `GET /apps/:app/metrics?period=hour|day`: what one app was asked, how it answered and what it
 * used. Heroku's API has no such thing.
 */
export function appMetricsRoute(api: Api, deps: Deps): void {
  api.get('/apps/:app/metrics', async (request) => {
    const app = appOf(deps.store, request)
    const period = periodOf(request)
    const now = minuteOf(Date.now())
    const entries = await deps.measured.figures(app.id, spanOf(period, now))
    const report = makeReport([...entries, ...(await underWay(deps, app))], period, now)
    return {
      addons: await addonsNow(deps, app),
      app: { id: app.id, name: app.name },
      begin_at: time(dateOf(report.from)),
      end_at: time(dateOf(report.end)),
      period,
      points: report.points.map(({ minute, ...figures }) => ({ at: time(dateOf(minute)), ...figuresJson(figures) })),
      resolution: periods[period].step * 60,
      totals: figuresJson(report.totals),
    }
  })
}

/** Of the app's add-ons as measured last; a worker that is away leaves out what only it knows. */
async function addonsNow(deps: Deps, { id: appId }: App): Promise<object[]> {
  const { store, measured, log } = deps
  const addons = store.addons.list(appId).filter(({ state }) => state.kind === 'provisioned')
  if (addons.length === 0) return []
  const worker = await measured.worker().catch((cause: unknown) => {
    log.warn({ err: cause, app: appId }, 'the worker did not say what add-ons take')
    return undefined
  })
  const services = servicesOf(deps)
  return addons.map(({ id, name, service: of, plan: planName, fill }) => {
    const service = serviceNamed(services, of)
    const plan = service && planNamed(service, planName)
    const use = worker?.addons[id]
    return {
      connections: { most: plan?.connections ?? null, used: use?.connections ?? null },
      disk: { most: plan?.diskMiB ? plan.diskMiB * 2 ** 20 : null, used: use?.diskBytes ?? null },
      id,
      memory: { most: plan ? plan.memoryMiB * 2 ** 20 : null, used: use?.memoryBytes ?? null },
      name,
      read_only: fill === 'full',
      since: use?.since ?? null,
    }
  })
}

/** @throws invalid_params */
function periodOf({ query }: FastifyRequest): Period {
  const { period = 'hour', ...rest } = query as Record<string, unknown>
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) {
    throw new PaasError('invalid_params', `${JSON.stringify(unknown)} is not known; known is period.`)
  }
  if (typeof period === 'string' && Object.hasOwn(periods, period)) return period as Period
  throw new PaasError('invalid_params', `period is ${JSON.stringify(period)}; it must be hour or day.`)
}

/** A router that is just being replaced costs the chart only its last minute. */
async function underWay(
  { measured, log }: { measured: Deps['measured']; log: Logger },
  app: App,
): Promise<FigureEntry[]> {
  try {
    const minute = await measured.router.minute(app.id)
    return minute ? [minute] : []
  } catch (cause) {
    log.warn({ err: cause, app: app.id }, 'the router did not report the current minute')
    return []
  }
}

function dateOf(minute: number): Date {
  return new Date(minute * 60_000)
}

function figuresJson({ requests, errors, statuses, codes, bytes, latency, dynos }: Figures): object {
  return {
    bytes,
    codes,
    dynos: dynos && {
      cpu: dynos.cpu === null ? null : round(dynos.cpu, 4),
      largest_memory: dynos.largest,
      memory: dynos.memory,
      quantity: dynos.count,
    },
    errors,
    latency: latency && {
      mean: round(latency.mean, 1),
      p50: round(latency.p50, 1),
      p95: round(latency.p95, 1),
      p99: round(latency.p99, 1),
    },
    requests,
    statuses: Object.fromEntries(statuses.map((count, i) => [`${i + 1}xx`, count])),
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
