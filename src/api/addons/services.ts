import type { ServicePlan, Service } from '../../model/service.ts'
import { planAsked, planCalled, serviceCalled } from '../../services/asked.ts'
import { page } from '../http/page.ts'
import { uuidOf } from '../http/shapes.ts'
import type { Api } from '../deps.ts'
import { planJson, serviceJson } from './addon-json.ts'
import { servicesOf, type AddonDeps } from './deps.ts'

/** What add-ons can be made of. */
export function addonServiceRoutes(api: Api, deps: AddonDeps): void {
  const service = '/addon-services/:service'
  const asked = (params: unknown): Service => serviceOf(servicesOf(deps), (params as { service: string }).service)
  const byName = { name: ({ name }: { name: string }) => name }

  api.get('/addon-services', (request, reply) => page(request, reply, servicesOf(deps), byName).map(serviceJson))
  api.get(service, (request) => serviceJson(asked(request.params)))
  api.get(`${service}/plans`, (request, reply) => {
    const found = asked(request.params)
    return page(request, reply, found.plans, { place: ({ name }) => placeOf(found, name), ...byName }).map((plan) =>
      planJson(found, plan),
    )
  })
  api.get(`${service}/plans/:plan`, (request) => {
    const found = asked(request.params)
    return planJson(found, planOf(found, (request.params as { plan: string }).plan))
  })
  api.get('/plans/:plan', (request) => {
    const { plan: name } = request.params as { plan: string }
    const services = servicesOf(deps)
    const { service: found, plan } = planAsked(services, planName(services, name))
    return planJson(found, plan)
  })
}

function placeOf({ plans }: Service, name: string): number {
  return plans.findIndex((plan) => plan.name === name)
}

/** By name, alias or id. @throws addon_service_unknown */
function serviceOf(services: Service[], key: string): Service {
  return services.find(({ name }) => uuidOf(`service ${name}`) === key) ?? serviceCalled(services, key)
}

/** By name or id. @throws addon_plan_unknown */
function planOf(service: Service, key: string): ServicePlan {
  return service.plans.find(({ name }) => uuidOf(`plan ${service.name}:${name}`) === key) ?? planCalled(service, key)
}

/** `SERVICE`, `SERVICE:PLAN`, or an id of one's. */
export function planName(services: Service[], asked: string): string {
  const all = services.flatMap(({ name, plans }) => plans.map((plan) => `${name}:${plan.name}`))
  return all.find((name) => uuidOf(`plan ${name}`) === asked) ?? asked
}
