import { dataTable, facts } from '../../components/table.ts'
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
type Metrics = { period: string; resolution: number; points: Point[]; totals: Figures }

const statuses = ['2xx', '3xx', '4xx', '5xx']

/** Releases that may lie in a day, at most. */
const mostMarks = 200

async function view({ platform, app, query }: AppVisit): Promise<Html> {
  const period = query.get('period') === 'day' ? 'day' : 'hour'
  const [shown, releases] = await Promise.all([
    platform.get<Metrics>(`${at`/apps/${app.name}/metrics`}?period=${period}`),
    platform.list<ShownRelease>(at`/apps/${app.name}/releases`, `version ..; order=desc,max=${mostMarks}`),
  ])
  const path = `/dashboard${at`/apps/${app.name}/metrics`}`
  const { totals, points } = shown
  return html`
    <div class="title">
      <h1>Metrics</h1>
      <p class="buttons">${tab(path, 'hour', period, 'Last hour')} ${tab(path, 'day', period, 'Last day')}</p>
    </div>
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
      data-marks="${JSON.stringify(marksOf(releases, points))}"
    ></div>
    <p class="quiet needs-script">
      Draw over a part of a chart to look closer; click twice to see all. Dashed lines are releases.
    </p>
    <details>
      <summary>The figures as a table</summary>
      ${dataTable(
        'Figures',
        columns,
        points.filter(({ requests, dynos }) => requests > 0 || dynos !== null),
      )}
    </details>
  `
}

function tab(path: string, period: string, present: string, text: string): Html {
  return html`<a
    class="button"
    href="${path}?period=${period}"
    ${period === present ? html`aria-current="true"` : nothing}
    >${text}</a
  >`
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
function marksOf(releases: ShownRelease[], points: Point[]): object[] {
  const begin = Date.parse(points[0]?.at ?? '')
  return releases
    .filter(({ created_at: made, status }) => Date.parse(made) >= begin && status !== 'failed')
    .map(({ created_at: made, version }) => ({ time: Date.parse(made) / 1000, text: `v${version}` }))
}

const columns = [
  { title: 'Time', cell: (point: Point) => moment(point.at) },
  { title: 'Requests', number: true, cell: ({ requests }: Point) => requests },
  { title: '5xx', number: true, cell: ({ errors }: Point) => errors },
  { title: 'p50 ms', number: true, cell: ({ latency }: Point) => latency?.p50 ?? '' },
  { title: 'p95 ms', number: true, cell: ({ latency }: Point) => latency?.p95 ?? '' },
  { title: 'Memory', number: true, cell: ({ dynos }: Point) => (dynos ? bytes(dynos.memory) : '') },
  { title: 'CPU', number: true, cell: ({ dynos }: Point) => dynos?.cpu?.toFixed(2) ?? '' },
]
