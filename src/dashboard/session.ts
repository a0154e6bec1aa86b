import type { WebExchange } from './http/exchange.ts'
import type { Viewer } from './page.ts'
import { Platform, ApiRefusal, type Ask } from './platform.ts'

/** Who is logged in. A session is a token of the account, made by a login with its password. */
export type BrowserSession = { secret: string; viewer: Viewer; platform: Platform }

/** Seconds after which one has to log in again. */
export const sessionLife = 30 * 86_400

/** Undefined for nobody: without a session, or with one that was ended or has expired. */
export async function findSession({ ask }: { ask: Ask }, exchange: WebExchange): Promise<BrowserSession | undefined> {
  const secret = exchange.cookie('session')
  if (secret === undefined || !/^[\w-]{10,200}$/.test(secret)) return undefined
  const platform = new Platform(ask, { ...addressOf(exchange), authorization: `Bearer ${secret}` })
  try {
    return { secret, platform, viewer: await platform.get<Viewer>('/account') }
  } catch (cause) {
    if (cause instanceof ApiRefusal && cause.status === 401) return undefined
    throw cause
  }
}

/** The headers that say where a request came from; the router set them. */
export function addressOf(exchange: WebExchange): Record<string, string> {
  const kept = ['x-forwarded-for', 'x-request-id', 'user-agent']
  return Object.fromEntries(kept.map((name) => [name, exchange.header(name) ?? '']).filter(([, value]) => value))
}
