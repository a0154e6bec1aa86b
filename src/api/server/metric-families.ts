import type {
  StoredHistogram,
  DynoFigures,
  Durations,
  RequestTotals,
  RoleFigures,
  StateCounts,
  WorkerFigures,
} from '../../model/figures.ts'
import type { AppVolume } from '../../model/volume.ts'
import type { Family, MetricLabels, Sample } from '../../metrics/exposition.ts'
import { ofAddons, type AddonMeasured } from './addon-families.ts'
import type { Service } from '../../model/service.ts'
import { Histogram } from '../../metrics/histogram.ts'
import { durationBounds, durationsOf } from '../../metrics/totals.ts'
import type { QueueFigures } from '../../queue/queue.ts'
import type { RouterFigures } from '../../router/control/control.ts'

/** What one scrape tells; undefined: that part does not answer. */
export type ServerFigures = {
  /** Names of the apps in the database, by id. Figures of others are left out. */
  names: Map<string, string>
  /** Counts from the database, by state. */
  builds: Record<string, number>
  volumes: Pick<AppVolume, 'appId' | 'name' | 'bytes'>[]
  addons: AddonMeasured[]
  services: Service[]
  api: RoleFigures
  router: RouterFigures | undefined
  worker: WorkerFigures | undefined
  /** null: this server has none. */
  gate: RoleFigures | null | undefined
  queue: QueueFigures | undefined
  /** Bytes. */
  supervisor: number | undefined
}

/** A phase of a build may take minutes. Milliseconds, powers of 2 as all bounds. */
const phaseBounds = durationBounds.map((bound) => bound * 64)

/** Every metric there is; docs/metrics.md has the same ones, which a test holds. */
export function familiesOf(figures: ServerFigures): Family[] {
  return [
    ...ofApps(figures),
    ...ofAddons(figures),
    ...ofRouter(figures.router),
    ...ofBuilds(figures),
    ...ofParts(figures),
  ]
}

function ofApps({ names, router, worker, volumes }: ServerFigures): Family[] {
  const asked = named(names, router?.apps)
  const dynos = named(names, worker?.apps)
  const measured = dynos.flatMap(([app, { figures }]): [string, DynoFigures][] => (figures ? [[app, figures]] : []))
  return [
    counter('paas_app_requests_total', 'Finished requests, by status class', asked.flatMap(statusSamples)),
    counter('paas_app_errors_total', 'Errors of the router, by code', asked.flatMap(codeSamples)),
    counter(
      'paas_app_response_bytes_total',
      'Bytes of response bodies',
      asked.map(([app, { bytes }]) => sample(bytes, { app })),
    ),
    histogram(
      'paas_app_request_duration_seconds',
      'Time from the end of a request head to the end of its response, for requests that reached a dyno',
      asked.map(([app, { durations }]) => ({ labels: { app }, durations, bounds: durationBounds })),
    ),
    gauge('paas_app_dynos', 'Dynos by state', dynos.flatMap(stateSamples)),
    gauge(
      'paas_app_memory_bytes',
      'Memory of the running dynos',
      measured.map(([app, { memory }]) => sample(memory, { app })),
    ),
    gauge(
      'paas_app_cpu_cores',
      'CPU of the running dynos, mean of a minute',
      measured.flatMap(([app, { cpu }]) => (cpu === null ? [] : [sample(cpu, { app })])),
    ),
    gauge(
      'paas_app_volume_bytes',
      'What each volume takes of the disk, as measured last',
      volumes.flatMap(({ appId, name, bytes }) => {
        const app = names.get(appId)
        return app === undefined || bytes === null ? [] : [sample(bytes, { app, volume: name })]
      }),
    ),
  ]
}

function named<T>(names: Map<string, string>, apps: Record<string, T> = {}): [string, T][] {
  return Object.entries(apps).flatMap(([id, figures]): [string, T][] => {
    const name = names.get(id)
    return name === undefined ? [] : [[name, figures]]
  })
}

function statusSamples([app, { statuses }]: [string, RequestTotals]): Sample[] {
  return statuses.map((count, i) => sample(count, { app, status: `${i + 1}xx` }))
}

function codeSamples([app, { codes }]: [string, RequestTotals]): Sample[] {
  return Object.entries(codes).map(([code, count]) => sample(count, { app, code }))
}

function stateSamples([app, { states }]: [string, StateCounts]): Sample[] {
  return Object.entries(states).map(([state, count]) => sample(count, { app, state }))
}

function ofRouter(router: RouterFigures | undefined): Family[] {
  if (router === undefined) return []
  const { counters, connections, dropped } = router
  return [
    counter('paas_router_requests_total', 'Requests of all hosts', [sample(counters.requests)]),
    counter('paas_router_refused_requests_total', 'Malformed or forbidden requests', [
      sample(counters.refusedRequests),
    ]),
    counter('paas_router_cut_off_total', 'Connections of HTTP/2 ended for a flood or a breach of protocol', [
      sample(counters.cutOff),
    ]),
    counter('paas_router_failed_handshakes_total', 'Connections to the TLS port that came to no TLS', [
      sample(counters.failedHandshakes),
    ]),
    counter(
      'paas_router_data_door_connections_total',
      'Connections to ports of databases, by result',
      samplesBy('result', counters.doors),
    ),
    counter('paas_router_connections_total', 'Connections accepted', [sample(counters.connections)]),
    counter('paas_router_turned_away_total', 'Connections refused at a limit', [sample(counters.turnedAway)]),
    gauge('paas_router_connections', 'Open connections from visitors', [sample(connections)]),
    counter('paas_router_dropped_figures_total', 'Lines of app metrics that could not be written', [sample(dropped)]),
  ]
}

function ofBuilds({ builds, worker, queue }: ServerFigures): Family[] {
  return [
    gauge('paas_builds', 'Builds in the database, by state; waiting ones are pending', samplesBy('state', builds)),
    counter(
      'paas_builds_finished_total',
      'Builds that this worker finished, by result',
      samplesBy('verdict', worker?.builds),
    ),
    histogram(
      'paas_build_phase_seconds',
      'Duration of build phases',
      Object.entries(worker?.phases ?? {}).map(phaseSeries),
    ),
    gauge('paas_queue_jobs', 'Jobs in the queue, by state', samplesBy('state', queue?.jobs)),
  ]
}

function phaseSeries([phase, stored]: [string, StoredHistogram]): Series {
  const times = new Histogram()
  times.add(stored)
  return { labels: { phase }, durations: durationsOf(times, phaseBounds), bounds: phaseBounds }
}

function ofParts({ api, router, worker, gate, queue, supervisor }: ServerFigures): Family[] {
  const roles = { api, router: router?.process, worker: worker?.process, gate }
  const known = Object.entries(roles).flatMap(([role, figures]) => (figures ? [{ role, figures }] : []))
  const memory = {
    ...Object.fromEntries(known.map(({ role, figures }) => [role, figures.memory])),
    redis: queue?.memory,
    supervisor,
  }
  return [
    gauge(
      'paas_up',
      'Whether a process of the server answers',
      samplesBy('role', { api: 1, router: is(router), worker: is(worker), gate: is(gate), redis: is(queue) }),
    ),
    gauge('paas_memory_bytes', 'Resident memory of each process of the server', samplesBy('role', memory)),
    counter(
      'paas_cpu_seconds_total',
      'CPU of each process of the server',
      known.map(({ role, figures }) => sample(figures.cpuSeconds, { role })),
    ),
    histogram(
      'paas_event_loop_lag_seconds',
      'Event loop delay, sampled twice a second',
      known.map(({ role, figures }) => ({ labels: { role }, durations: figures.lag, bounds: durationBounds })),
    ),
  ]
}

/** undefined for a part that there is not. */
function is(part: unknown): number | undefined {
  if (part === null) return undefined
  return part === undefined ? 0 : 1
}

type Series = { labels: MetricLabels; durations: Durations; bounds: number[] }

function histogram(name: string, help: string, series: Series[]): Family {
  return { name, help, type: 'histogram', samples: series.flatMap((each) => histogramSamples(name, each)) }
}

function histogramSamples(name: string, { labels, durations, bounds }: Series): Sample[] {
  const bucket = (le: string, value: number): Sample => ({ name: `${name}_bucket`, labels: { ...labels, le }, value })
  return [
    ...bounds.map((bound, i) => bucket(String(bound / 1000), durations.below[i]!)),
    bucket('+Inf', durations.count),
    { name: `${name}_sum`, labels, value: durations.sum / 1000 },
    { name: `${name}_count`, labels, value: durations.count },
  ]
}

function counter(name: string, help: string, samples: Sample[]): Family {
  return { name, help, type: 'counter', samples }
}

function gauge(name: string, help: string, samples: Sample[]): Family {
  return { name, help, type: 'gauge', samples }
}

function sample(value: number, labels: MetricLabels = {}): Sample {
  return { labels, value }
}

function samplesBy(label: string, values: Record<string, number | undefined> = {}): Sample[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [sample(value, { [label]: key })],
  )
}
