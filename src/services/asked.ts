import { PaasError } from '../errors.ts'
import { planNamed, serviceNamed, type ServicePlan, type Service } from '../model/service.ts'

/** By name or alias. @throws addon_service_unknown */
export function serviceCalled(services: Service[], key: string): Service {
  const found = serviceNamed(services, key)
  if (found) return found
  const names = services.map(({ name }) => name).join(', ')
  throw new PaasError('addon_service_unknown', `There is no service ${shown(key)}; there is ${names}.`)
}

/** `essential-0` or `heroku-postgresql:essential-0`. @throws addon_plan_unknown */
export function planCalled(service: Service, key: string): ServicePlan {
  const name = key.slice(key.indexOf(':') + 1)
  const found = planNamed(service, name)
  if (found) return found
  const names = service.plans.map((plan) => plan.name).join(', ')
  throw new PaasError('addon_plan_unknown', `${service.name} has no plan ${shown(name)}; it has ${names}.`)
}

/**
 * `SERVICE`, for its usual plan, or `SERVICE:PLAN`.
 * @throws addon_service_unknown, addon_plan_unknown
 */
export function planAsked(services: Service[], asked: string): { service: Service; plan: ServicePlan } {
  const [name = '', plan] = asked.split(':', 2)
  const service = serviceCalled(services, name)
  return { service, plan: planCalled(service, plan ?? service.plans[0]?.name ?? '') }
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60))
}
