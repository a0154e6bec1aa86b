import type { Logger } from '../log.ts'
import type { WebhookDelivery, WebhookEvent } from '../model/webhook.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { Poster } from '../outbound/post.ts'
import type { WebhookChange } from '../store/delivery-records.ts'
import type { DynoNews } from '../store/dyno-records.ts'
import type { Store } from '../store/store.ts'
import { deliver } from './deliver.ts'

export type WebhooksDeps = {
  store: Pick<Store, 'webhooks' | 'webhookDeliveries' | 'dynoStates' | 'transaction'>
  outbound: Outbound
  /** A change as an event, with the resource as the API shows it. undefined: it is gone. */
  describe: (change: WebhookChange | DynoNews) => Omit<WebhookEvent, 'id' | 'sequence' | 'createdAt'> | undefined
  log: Logger
}

/** Milliseconds between two looks at the database. */
const pace = 500
/** Deliveries in progress at once: to one webhook, and in all. */
const [mostOfOne, mostOfAll] = [2, 100]

/**
 * Tells webhooks what happened. The database holds the events and what became of each delivery, so
 * that nothing is lost when this process ends; what it was just delivering then comes twice.
 */
export class Webhooks implements AsyncDisposable {
  readonly #deps: WebhooksDeps
  readonly #poster: Poster
  readonly #stopping = new AbortController()
  readonly #underWay = new Map<WebhookDelivery['id'], { delivery: WebhookDelivery; done: Promise<void> }>()
  readonly #timer: NodeJS.Timeout

  constructor(deps: WebhooksDeps) {
    this.#deps = deps
    this.#poster = new Poster(deps.outbound, { keepAlive: false })
    this.#timer = setInterval(() => this.#look(), pace)
  }

  #look(): void {
    try {
      this.#publishChanges()
      const due = this.#deps.store.webhookDeliveries.listDue(new Date(), { perWebhook: mostOfOne })
      for (const delivery of due) this.#start(delivery)
    } catch (cause) {
      this.#deps.log.error({ err: cause }, 'webhooks cannot be told')
    }
  }

  /** In one transaction: a change that was taken is an event, or still a change. */
  #publishChanges(): void {
    const { store, describe } = this.#deps
    store.transaction(() => {
      for (const change of [...store.webhooks.takeChanges(), ...store.dynoStates.takeNews(new Date())]) {
        const event = describe(change)
        if (event) store.webhookDeliveries.publish(event)
      }
    })
  }

  #start(delivery: WebhookDelivery): void {
    const others = [...this.#underWay.values()].filter((one) => one.delivery.webhookId === delivery.webhookId)
    if (this.#underWay.size >= mostOfAll || others.length >= mostOfOne || this.#underWay.has(delivery.id)) return
    const deps = { store: this.#deps.store, poster: this.#poster }
    const done = deliver(deps, delivery, this.#stopping.signal)
      .catch((cause: unknown) => this.#deps.log.error({ err: cause, delivery: delivery.id }, 'a delivery broke off'))
      .finally(() => this.#underWay.delete(delivery.id))
    this.#underWay.set(delivery.id, { delivery, done })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await Promise.all([...this.#underWay.values()].map(({ done }) => done))
    this.#poster[Symbol.dispose]()
  }
}
