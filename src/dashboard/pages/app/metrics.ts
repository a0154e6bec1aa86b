import { dataTable, facts, paging } from '../../components/table.ts'
import { bytes, moment } from '../../components/words.ts'
import { html, nothing, type Html } from '../../html.ts'
import { appPage, type AppVisit } from '../../page.ts'
import { at } from '../../platform.ts'
import type { ShownRelease } from '../../shapes.ts'

export const metrics = appPage({
  path: '/metrics',
  title: 'Metrics',
  listed: true,
  scripts: ['uplot.js', 'charts.js'],
  styles: ['uplot.css'],
  view,
})

type Figures = {
  requests: number
  errors: number
  statuses: Record<string, number>
  latency: { p50: number; p95: number; p99: number } | null
  dynos: { memory: number; cpu: number | null } | null
}
type Point = Figures & { at: string }
type Metrics = { begin_at: string; end_at: string; resolution: number; points: Point[]; totals: Figures }

const statuses = ['2xx', '3xx', '4xx', '5xx']

const hour = 3600_000
const lengths = { hour, day: 24 * hour, week: 168 * hour }
type Period = keyof typeof lengths

/** Milliseconds for which the server has figures by the minute, and in steps of half an hour. */
const kept = { byMinute: 25 * hour, all: lengths.week }

/** Releases that are looked at for those of the time shown. */
const mostMarks = 200

async function view({ platform, app, query }: AppVisit): Promise<Html> {
  const period = periodIn(query)
  const asked = new URLSearchParams({ period, ...untilIn(query) })
  const [shown, releases] = await Promise.all([
    platform.get<Metrics>(`${at`/apps/${app.name}/metrics`}?${asked.toString()}`),
    platform.list<ShownRelease>(at`/apps/${app.name}/releases`, `version ..; order=desc,max=${mostMarks}`),
  ])
  const path = `/dashboard${at`/apps/${app.name}/metrics`}`
  const { totals, points, begin_at: begin, end_at: end } = shown
  const tabs = Object.keys(lengths) as Period[]
  return html`
    <div class="title">
      <h1>Metrics</h1>
      <p class="buttons">${tabs.map((one) => tab(`${path}?period=${one}`, `Last ${one}`, one === period))}</p>
    </div>
    <p class="quiet">From ${moment(begin)} to ${moment(end)}</p>
    ${paging(neighbours(path, period, shown))}
    ${facts([
      ['Requests', totals.requests],
      ['Answers with 5xx', totals.errors],
      [
        'Response time',
        totals.latency
          ? `p50 ${totals.latency.p50} ms, p95 ${totals.latency.p95} ms, p99 ${totals.latency.p99} ms`
          : 'no requests',
      ],
      ['Memory', totals.dynos ? bytes(totals.dynos.memory) : 'nothing ran'],
    ])}
    <div
      id="charts"
      class="charts needs-script"
      data-charts="${JSON.stringify(seriesOf(points))}"
      data-marks="${JSON.stringify(marksOf(releases, shown))}"
    ></div>
    <p class="quiet needs-script">
      Draw over a part of a chart to look closer; click twice to see all. Dashed lines are releases. The table below
      leads to the hours of a day and to the days of a week.
    </p>
    <details>
      <summary>The figures as a table</summary>
      ${dataTable(
        'Figures',
        columnsOf(path, period),
        points.filter(({ requests, dynos }) => requests > 0 || dynos !== null),
      )}
    </details>
  `
}

function periodIn(query: URLSearchParams): Period {
  const period = query.get('period') ?? ''
  return Object.hasOwn(lengths, period) ? (period as Period) : 'hour'
}

function untilIn(query: URLSearchParams): { until?: string } {
  const until = query.get('until') ?? ''
  return Number.isNaN(Date.parse(until)) ? {} : { until: new Date(until).toISOString() }
}

function tab(href: string, text: string, isCurrent: boolean): Html {
  return html`<a class="button" href="${href}" ${isCurrent ? html`aria-current="true"` : nothing}>${text}</a>`
}

/** The time before and after the one that is shown, where there is something of it. */
function neighbours(path: string, period: Period, { begin_at: begin, end_at: end }: Metrics) {
  const [from, to, now] = [Date.parse(begin), Date.parse(end), Date.now()]
  const isKept = from > now - (period === 'hour' ? kept.byMinute : kept.all)
  const later = to + lengths[period] < now ? at`&until=${new Date(to + lengths[period]).toISOString()}` : ''
  return {
    older: isKept && period !== 'week' ? `${path}?period=${period}${at`&until=${begin}`}` : undefined,
    newer: to < now ? `${path}?period=${period}${later}` : undefined,
  }
}

/** A chart each: its title, its unit, its lines with their values at each time. */
function seriesOf(points: Point[]): object {
  const line = (name: string, tone: string, value: (point: Point) => number | null): object => ({
    name,
    tone,
    values: points.map(value),
  })
  return {
    times: points.map((point) => Date.parse(point.at) / 1000),
    charts: [
      {
        title: 'Requests',
        unit: '',
        lines: statuses.map((name, i) => line(name, tones[i] ?? 'accent', ({ statuses: all }) => all[name] ?? 0)),
      },
      {
        title: 'Response time',
        unit: 'ms',
        lines: (['p50', 'p95', 'p99'] as const).map((name, i) =>
          line(name, ['good', 'busy', 'bad'][i] ?? '', ({ latency }) => latency?.[name] ?? null),
        ),
      },
      {
        title: 'Memory of all dynos',
        unit: 'MiB',
        lines: [line('memory', 'accent', ({ dynos }) => (dynos ? Math.round(dynos.memory / 2 ** 20) : null))],
      },
      { title: 'Processors of all dynos', unit: '', lines: [line('CPU', 'accent', ({ dynos }) => dynos?.cpu ?? null)] },
    ],
  }
}

const tones = ['good', 'quiet', 'busy', 'bad']

/** Those of the time that the charts show. */
function marksOf(releases: ShownRelease[], { begin_at: begin, end_at: end }: Metrics): object[] {
  const isShown = (made: number): boolean => made >= Date.parse(begin) && made < Date.parse(end)
  return releases
    .filter(({ created_at: made, status }) => isShown(Date.parse(made)) && status !== 'failed')
    .map(({ created_at: made, version }) => ({ time: Date.parse(made) / 1000, text: `v${version}` }))
}

function columnsOf(path: string, period: Period) {
  return [{ title: 'Time', cell: (point: Point) => closer(path, period, point.at) }, ...columns]
}

/** The moment leads to what is around it by finer steps, where there are some. */
function closer(path: string, period: Period, iso: string): Html {
  const finer = period === 'week' ? 'day' : 'hour'
  const until = Math.min(Date.parse(iso) + lengths[finer] / 2, Date.now())
  const isKept = finer === 'day' || until - lengths.hour > Date.now() - kept.byMinute
  if (period === 'hour' || !isKept) return moment(iso)
  const query = at`period=${finer}&until=${new Date(until).toISOString()}`
  return html`<a href="${path}?${query}">${moment(iso)}</a>`
}

const columns = [
  { title: 'Requests', number: true, cell: ({ requests }: Point) => requests },
  { title: '5xx', number: true, cell: ({ errors }: Point) => errors },
  { title: 'p50 ms', number: true, cell: ({ latency }: Point) => latency?.p50 ?? '' },
  { title: 'p95 ms', number: true, cell: ({ latency }: Point) => latency?.p95 ?? '' },
  { title: 'Memory', number: true, cell: ({ dynos }: Point) => (dynos ? bytes(dynos.memory) : '') },
  { title: 'CPU', number: true, cell: ({ dynos }: Point) => dynos?.cpu?.toFixed(2) ?? '' },
]
