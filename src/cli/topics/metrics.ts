import type { Command } from 'commander'
import { PaasError } from '../../errors.ts'
import { defineForApp, type AppOptions } from '../command.ts'
import { heading, note, print, style } from '../output.ts'
import type { AddonUseJson, FiguresJson, MetricsJson } from '../resources/metrics.ts'
import { connectToApp } from '../session.ts'
import { sparkline } from '../sparkline.ts'

const periods = ['hour', 'day', 'week']
/** Columns where there is no terminal to ask. */
const usualWidth = 80
const mebibyte = 2 ** 20

export function defineMetrics(program: Command): void {
  defineForApp(program, {
    name: 'metrics',
    summary: 'chart requests, response times, errors, memory and CPU',
    details:
      'Charts go from 0 to the highest value, the newest on the right. Times are exact to 5 %. Memory and CPU are sums of all dynos.',
    examples: ['paas metrics', 'paas metrics -p day -a acme', 'paas metrics -p week --json'],
  })
    .option('-p, --period <period>', 'hour, day or week', 'hour')
    .action(show)
}

async function show(options: AppOptions & { period: string }): Promise<void> {
  if (!periods.includes(options.period)) {
    throw new PaasError('usage', `--period is "${options.period}"; it must be hour, day or week.`)
  }
  const { api, path } = await connectToApp(options)
  const metrics = await api.get<MetricsJson>(`${path}/metrics?period=${options.period}`)
  if (metrics.totals.requests === 0) note(`${metrics.app.name} had no requests in the last ${metrics.period}.`)
  print(options, metrics, () => describe(metrics))
}

type Row = { label: string; value: (figures: FiguresJson) => number | null; text: string }

function describe(metrics: MetricsJson): string[] {
  const { app, period, resolution, points, totals } = metrics
  const rows = rowsOf(metrics)
  const [labels, texts] = [Math.max(...rows.map(({ label }) => label.length)), rows.map(({ text }) => text.length)]
  const width = (process.stdout.isTTY ? process.stdout.columns : usualWidth) - labels - Math.max(...texts) - 4
  return [
    heading(
      `${app.name} Metrics of the last ${period}, ${resolution === 60 ? 'a minute' : `${resolution / 60} minutes`} each`,
    ),
    ...rows.map(
      ({ label, value, text }) =>
        `${label.padEnd(labels)}  ${style('cyan', sparkline(points.map(value), width))}  ${text}`,
    ),
    ...codesOf(totals),
    ...addonsOf(metrics.addons),
  ]
}

function rowsOf({ points, totals, resolution }: MetricsJson): Row[] {
  const busiest = Math.max(...points.map(({ requests }) => requests)) / (resolution / 60)
  const { latency, dynos } = totals
  return [
    { label: 'Requests', value: ({ requests }) => requests, text: `${totals.requests}, at most ${round(busiest)}/min` },
    { label: '5xx', value: ({ errors }) => errors, text: `${totals.errors}${shareOf(totals)}` },
    ...(['p50', 'p95', 'p99'] as const).map((quantile) => ({
      label: quantile,
      value: (figures: FiguresJson) => figures.latency?.[quantile] ?? null,
      text: latency === null ? '-' : milliseconds(latency[quantile]),
    })),
    {
      label: 'Memory',
      value: (figures) => figures.dynos?.memory ?? null,
      text: dynos === null ? '-' : `at most ${round(dynos.memory / mebibyte)} MiB`,
    },
    {
      label: 'CPU',
      value: (figures) => figures.dynos?.cpu ?? null,
      text: dynos?.cpu == null ? '-' : `${round(dynos.cpu * 100)} % of a core`,
    },
  ]
}

function shareOf({ errors, requests }: FiguresJson): string {
  return errors === 0 ? '' : `, ${round((errors / requests) * 100)} %`
}

/** What the router had to say: `H12 3, H13 1`. */
function codesOf({ codes }: FiguresJson): string[] {
  const counts = Object.entries(codes).map(([code, count]) => `${code} ${count}`)
  return counts.length === 0 ? [] : ['', `Codes: ${counts.toSorted().join(', ')}`]
}

/** `postgresql-round-12345  memory 25 of 256 MiB, disk 48 of 1024 MiB, 3 of 20 connections` */
function addonsOf(addons: AddonUseJson[]): string[] {
  const lines = addons.map(({ name, memory, disk, connections, read_only: isFull, since }): [string, string] => {
    const uses = [
      ...usedOf('memory', memory),
      ...usedOf('disk', disk),
      ...(connections.used === null ? [] : [`${connections.used} of ${connections.most ?? '?'} connections`]),
      ...(isFull ? ['read-only: its disk is full'] : []),
    ]
    return [name, since === null ? 'not measured, or not running' : uses.join(', ')]
  })
  const width = Math.max(0, ...lines.map(([name]) => name.length))
  return lines.length === 0 ? [] : ['', ...lines.map(([name, uses]) => `${name.padEnd(width)}  ${uses}`)]
}

function usedOf(what: string, { used, most }: AddonUseJson['disk']): string[] {
  if (used === null || most === null) return []
  return [`${what} ${round(used / mebibyte)} of ${round(most / mebibyte)} MiB`]
}

function milliseconds(value: number): string {
  return value < 1000 ? `${round(value)} ms` : `${round(value / 1000)} s`
}

/** Two digits that matter; whole from 10 on. */
function round(value: number): string {
  return String(value >= 10 ? Math.round(value) : Number(value.toPrecision(2)))
}
