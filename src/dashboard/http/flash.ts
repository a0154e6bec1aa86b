import type { WebExchange } from './exchange.ts'
import type { Seals } from './seals.ts'

/** Seconds for the next page to show it. */
const life = 60

/** What a form did, told once by the page that comes next. */
export function putFlash(seals: Seals, exchange: WebExchange, session: string, said: string): void {
  exchange.setCookie('flash', seals.seal(Buffer.from(said.slice(0, 500)).toString('base64url'), session), life)
}

export function takeFlash(seals: Seals, exchange: WebExchange, session: string): string | undefined {
  const sealed = exchange.cookie('flash')
  if (sealed === undefined) return undefined
  exchange.setCookie('flash', '', 0)
  const text = seals.open(sealed, session)
  return text === undefined ? undefined : Buffer.from(text, 'base64url').toString()
}
