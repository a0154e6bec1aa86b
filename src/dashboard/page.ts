import type { Role } from '../model/access.ts'
import type { Html } from './html.ts'
import type { Platform, ApiRefusal } from './platform.ts'

/** The API's account, as far as pages use it. */
export type Viewer = { id: string; email: string; name: string | null; admin: boolean }

/** The API's app, likewise. */
export type ShownApp = {
  id: string
  name: string
  maintenance: boolean
  git_url: string
  web_url: string
  owner: { id: string; email: string }
  created_at: string
  released_at: string | null
  buildpack_provided_description: string | null
  build_stack: { name: string }
}

/** A person who looks at a page, or sends a form of it. */
export type Visit = {
  /** The path's parameters, decoded: `{ app: 'blog' }`. */
  params: Record<string, string>
  query: URLSearchParams
  /** What was sent; empty when the page is only looked at. */
  form: URLSearchParams
  platform: Platform
  viewer: Viewer
  /** Why what was sent was refused; the page is shown again with what the form had. */
  refusal: ApiRefusal | undefined
  /** The hidden field that every form needs. */
  token: Html
  /** The address of the page itself, with its query: what its forms are sent to. */
  here: string
}

/** Of a page below `/apps/:app`. */
export type AppVisit = Visit & { app: ShownApp; role: Role }

/**
 * What a form did: the page that comes next (below `/dashboard`), and what is said there; or a page
 * with what can be shown this once.
 */
export type Done = { to: string; said?: string } | { page: Html }

type Shared = {
  /** Below `/dashboard`; `:name` stands for one part. */
  path: string
  title: string
  /** Whether the navigation has it, in the order of the registry. */
  listed: boolean
  /** Of `assets`, beside those that every page has. */
  scripts?: string[]
  /** Likewise. */
  styles?: string[]
}

export type ServerPage = Shared & {
  /** Only admins have it. */
  admin?: boolean
  view(visit: Visit): Promise<Html> | Html
  /** By the value of the button `do` that sent the form. */
  actions?: Record<string, (visit: Visit) => Promise<Done>>
}

export type AppPage = Shared & {
  /** Whoever has less does not see it in the navigation; the API decides what they may do. */
  role?: Role
  view(visit: AppVisit): Promise<Html> | Html
  actions?: Record<string, (visit: AppVisit) => Promise<Done>>
}

export type Page = ({ of: 'server' } & ServerPage) | ({ of: 'app' } & AppPage)

export function serverPage(page: ServerPage): Page {
  return { of: 'server', ...page }
}

/** Its path is below `/apps/:app`. */
export function appPage(page: AppPage): Page {
  return { of: 'app', ...page, path: `/apps/:app${page.path}` }
}
