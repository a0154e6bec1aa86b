import type { FastifyRequest } from 'fastify'
import { attachedVars, type Addon, type AddonAttachment } from '../../model/addon.ts'
import type { AddonOrigin } from '../../model/addon-backup.ts'
import type { ServicePlan, Service } from '../../model/service.ts'
import type { Store } from '../../store/store.ts'
import { named, time, uuidOf } from '../http/shapes.ts'

const begin = '2026-01-01T00:00:00Z'
const price = { cents: 0, contract: false, unit: 'month' }

export function serviceJson({ name, title }: Service): object {
  return {
    cli_plugin_name: null,
    created_at: begin,
    human_name: title,
    id: uuidOf(`service ${name}`),
    name,
    state: 'ga',
    supported_generations: [named('generation', 'cedar')],
    supports_multiple_installations: true,
    supports_sharing: true,
    updated_at: begin,
  }
}

export function planJson(service: Service, plan: ServicePlan): object {
  return {
    addon_service: named('service', service.name),
    compliance: null,
    created_at: begin,
    default: plan === service.plans[0],
    description: describe(plan),
    human_name: plan.name,
    id: uuidOf(`plan ${service.name}:${plan.name}`),
    installable_inside_private_network: false,
    installable_outside_private_network: true,
    name: `${service.name}:${plan.name}`,
    price,
    space_default: false,
    state: 'ga',
    updated_at: begin,
    visible: true,
  }
}

function describe({ memoryMiB, diskMiB, connections, description }: ServicePlan): string {
  const facts = [`${memoryMiB} MiB of memory`, ...(diskMiB > 0 ? [`${diskMiB} MiB of disk`] : [])]
  return [...facts, `${connections} connections`, description].filter(Boolean).join(', ')
}

/** What an answer tells beyond names: Heroku's clients ask for it in a header. */
type Told = {
  store: Pick<Store, 'apps' | 'addons' | 'addonAttachments'>
  services: Service[]
  request: Pick<FastifyRequest, 'headers'>
}

export function addonJson({ store, services, request }: Told, addon: Addon): Record<string, unknown> & { id: string } {
  const app = { id: addon.appId, name: store.apps.get(addon.appId)?.name ?? '' }
  const service = services.find(({ name }) => name === addon.service)
  const plan = service?.plans.find(({ name }) => name === addon.plan)
  const expanded = String(request.headers['accept-expansion'] ?? '')
  const isWhole = (what: string) => expanded.split(',').some((one) => one.trim() === what)
  const planName = `${addon.service}:${addon.plan}`
  return {
    actions: [],
    addon_service: service && isWhole('addon_service') ? serviceJson(service) : named('service', addon.service),
    app,
    billed_price: price,
    billing_entity: { ...app, type: 'app' },
    config_vars: varNames(store, addon),
    created_at: time(addon.createdAt),
    forked_from: addon.origin && originJson(store, addon.origin),
    id: addon.id,
    name: addon.name,
    plan: service && plan && isWhole('plan') ? planJson(service, plan) : named('plan', planName),
    provider_id: addon.host,
    ...(addon.state.kind === 'failed' && { provision_message: addon.state.reason }),
    state: addon.state.kind === 'failed' ? 'deprovisioned' : addon.state.kind,
    updated_at: time(addon.updatedAt),
    web_url: null,
  }
}

/** As a restore is asked for: `at`, or `latest`; or `before_xid`. The add-on may be gone. */
function originJson({ addons }: Pick<Store, 'addons'>, { addonId, moment }: AddonOrigin): object {
  return {
    addon: { id: addonId, name: addons.find(addonId)?.name ?? null },
    at: moment.kind === 'time' ? time(new Date(moment.at)) : moment.kind === 'latest' ? 'latest' : null,
    before_xid: moment.kind === 'xid' ? moment.xid : null,
  }
}

/** Of the app whose it is, or of the one attachment. */
function varNames({ addons, addonAttachments }: Told['store'], addon: Addon, only?: AddonAttachment): string[] {
  const { config } = addons.secrets(addon.id)
  const attachments = only ? [only] : addonAttachments.list({ addonId: addon.id, appId: addon.appId })
  return attachments.flatMap((attachment) => Object.keys(attachedVars(attachment, config)))
}

export function attachmentJson({ store, services, request }: Told, attachment: AddonAttachment): object {
  const { addonId, appId } = attachment
  const addon = store.addons.find(addonId)
  const owner = { id: addon?.appId ?? appId, name: (addon && store.apps.get(addon.appId)?.name) ?? '' }
  const isWhole = /addon:plan/.test(String(request.headers['accept-inclusion'] ?? ''))
  const service = services.find(({ name }) => name === addon?.service)
  const plan = service?.plans.find(({ name }) => name === addon?.plan)
  return {
    addon: {
      app: owner,
      id: addonId,
      name: addon?.name ?? '',
      ...(isWhole && {
        plan: service && plan ? planJson(service, plan) : named('plan', `${addon?.service ?? ''}:${addon?.plan ?? ''}`),
      }),
    },
    app: { id: appId, name: store.apps.get(appId)?.name ?? '' },
    ...(isWhole && { config_vars: addon ? varNames(store, addon, attachment) : [] }),
    created_at: time(attachment.createdAt),
    id: attachment.id,
    log_input_url: null,
    name: attachment.name,
    namespace: null,
    updated_at: time(attachment.updatedAt),
    web_url: null,
  }
}
