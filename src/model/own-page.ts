import { createHash } from 'node:crypto'
import type { ConfigVars } from './release.ts'

/** Pages of an app's own in place of the router's, by Heroku's config vars. */
export const pageVars = { error: 'ERROR_PAGE_URL', maintenance: 'MAINTENANCE_PAGE_URL' } as const

export type PageKind = keyof typeof pageVars

/** What became of one. */
export type OwnPage = {
  kind: PageKind
  /** `markOfAddress` of what was fetched last, or failed. */
  asked: string
  askedAt: Date
  /** Why there was no page then. */
  problem: string | null
  /** What is shown: of the last attempt that brought one. */
  shown: PageContent | null
}

/** `content`: SHA-256 in hexadecimal digits, by which its file is named. */
export type PageContent = { content: string; bytes: number; fetchedAt: Date }

/** For the router: `content` of each. */
export type RoutePages = Partial<Record<PageKind, string>>

export const pageFile = (content: string): string => `${content}.html`

/** The address itself may be a secret. */
export function markOfAddress(url: string): string {
  return createHash('sha256').update(url).digest('hex')
}

export function pageAddresses(config: ConfigVars): { kind: PageKind; url: string }[] {
  return (['error', 'maintenance'] as const).flatMap((kind) => {
    const url = config[pageVars[kind]]?.trim()
    return url ? [{ kind, url }] : []
  })
}
