import type { Family } from '../../metrics/exposition.ts'
import type { Addon } from '../../model/addon.ts'
import type { WorkerFigures } from '../../model/figures.ts'
import { planNamed, serviceNamed, type Service } from '../../model/service.ts'

/** What a scrape knows of an add-on; `use` is missing where the worker does not say. */
export type AddonMeasured = Pick<Addon, 'appId' | 'name' | 'service' | 'plan' | 'fill'> & {
  use: WorkerFigures['addons'][string] | undefined
}

type Given = { names: Map<string, string>; addons: AddonMeasured[]; services: Service[] }

/** Figures of add-ons, each with what its plan allows. */
export function ofAddons({ names, addons, services }: Given): Family[] {
  const known = addons.flatMap((addon) => {
    const app = names.get(addon.appId)
    const service = serviceNamed(services, addon.service)
    const plan = service && planNamed(service, addon.plan)
    return app === undefined || !plan ? [] : [{ ...addon, limit: plan, app }]
  })
  type Known = (typeof known)[number]
  const gauge = (name: string, help: string, value: (addon: Known) => number | null | undefined): Family => ({
    name: `paas_addon_${name}`,
    help,
    type: 'gauge',
    samples: known.flatMap((addon) => {
      const found = value(addon)
      const labels = { app: addon.app, addon: addon.name, service: addon.service }
      return found === null || found === undefined ? [] : [{ labels, value: found }]
    }),
  })
  const mebibytes = (count: number): number | null => (count === 0 ? null : count * 2 ** 20)
  return [
    gauge('up', 'Whether an add-on runs', ({ use }) => use && Number(use.since !== null)),
    gauge('start_time_seconds', 'When an add-on was started', ({ use }) =>
      use?.since ? Date.parse(use.since) / 1000 : undefined,
    ),
    gauge('memory_bytes', 'Memory of an add-on', ({ use }) => use?.memoryBytes),
    gauge('memory_limit_bytes', "Memory that an add-on's plan allows", ({ limit }) => mebibytes(limit.memoryMiB)),
    gauge('disk_bytes', 'What the data of an add-on takes of the disk', ({ use }) => use?.diskBytes),
    gauge('disk_limit_bytes', "Disk that an add-on's plan allows", ({ limit }) => mebibytes(limit.diskMiB)),
    gauge('connections', 'Connections to an add-on', ({ use }) => use?.connections),
    gauge('connections_limit', "Connections that an add-on's plan allows", ({ limit }) => limit.connections),
    gauge('read_only', 'Whether an add-on is read-only because its disk is full', ({ fill }) =>
      Number(fill === 'full'),
    ),
  ]
}
