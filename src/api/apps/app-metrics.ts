import { type FigureEntry, type Minute, minuteOf } from '../../model/figures.ts'
import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { makeReport, periods, spanOf, type Period } from '../../metrics/report.ts'
import type { Figures } from '../../metrics/tally.ts'
import type { App } from '../../model/app.ts'
import { planNamed, serviceNamed } from '../../model/service.ts'
import { servicesOf } from '../addons/deps.ts'
import { appOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { time } from '../http/shapes.ts'

type Deps = Pick<ApiDeps, 'store' | 'measured' | 'config' | 'log'>

/**
 * `GET /apps/:app/metrics?period=hour|day|week`: what one app was asked, how it answered and what
 * it used; up to now, or to `until`. Heroku's API has no such thing.
 */
export function appMetricsRoute(api: Api, deps: Deps): void {
  api.get('/apps/:app/metrics', async (request) => {
    const app = appOf(deps.store, request)
    const now = minuteOf(Date.now())
    const { period, last } = askedFor(request, now)
    const span = spanOf(period, last, now)
    const entries = await deps.measured.figures(app.id, span)
    const report = makeReport([...entries, ...(await underWay(deps, app))], span)
    return {
      addons: await addonsNow(deps, app),
      app: { id: app.id, name: app.name },
      begin_at: time(dateOf(report.from)),
      end_at: time(dateOf(report.end)),
      period,
      points: report.points.map(({ minute, ...figures }) => ({ at: time(dateOf(minute)), ...figuresJson(figures) })),
      resolution: span.step * 60,
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

/** The period, and the minute that it ends with. @throws invalid_params */
function askedFor({ query }: FastifyRequest, now: Minute): { period: Period; last: Minute } {
  const { period = 'hour', until, ...rest } = query as Record<string, unknown>
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) {
    throw new PaasError('invalid_params', `${JSON.stringify(unknown)} is not known; known are period and until.`)
  }
  if (typeof period !== 'string' || !Object.hasOwn(periods, period)) {
    throw new PaasError('invalid_params', `period is ${JSON.stringify(period)}; it must be hour, day or week.`)
  }
  if (until === undefined) return { period: period as Period, last: now }
  const end = typeof until === 'string' ? Date.parse(until) : Number.NaN
  if (Number.isNaN(end)) {
    throw new PaasError('invalid_params', `until is ${JSON.stringify(until)}; it must be like 2026-01-31T12:00:00Z.`)
  }
  // What would lie beyond is nothing in either direction.
  const last = Math.min(now, Math.max(minuteOf(end) - 1, now - periods.week.minutes))
  return { period: period as Period, last }
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
