import type { IncomingMessage } from 'node:http'
import { PaasError } from '../errors.ts'
import { appNamePattern } from '../model/app.ts'

export type GitService = 'receive-pack' | 'upload-pack'

/** What a request asks of an app's repository: the refs there are, or the service itself. */
export type GitRequest = { app: string; service: GitService; kind: 'refs' | 'rpc' }

/** What git asks for below the address of a remote that lacks `.git`. */
const withoutGit = /^\/([^/?#]+)\/(?:info\/refs\?[^#]*service=git-|git-(?:receive|upload)-pack(?:[?#]|$))/

/**
 * True for every path below a repository, and for those git asks for. Whatever else such a path is,
 * nobody but this part answers it.
 */
export function isGitPath(url = ''): boolean {
  return /^\/+[^/?#]*\.git(?:[/?#]|$)/i.test(url) || withoutGit.test(url)
}

/**
 * Reads the request line. Only the exact paths git uses are known: no other spelling of the same
 * path is.
 * @throws not_found, method_not_allowed, bad_request for the `dumb` protocol
 */
export function parseGitRequest({ method, url = '' }: Pick<IncomingMessage, 'method' | 'url'>): GitRequest {
  const [, app = '', path = '', query = ''] = /^\/([a-z0-9-]{1,30})\.git\/([^?#]*)(?:\?([^#]*))?$/.exec(url) ?? []
  if (!appNamePattern.test(app)) throw noRepository(url)
  const rpc = /^git-(receive-pack|upload-pack)$/.exec(path)?.[1]
  if (rpc !== undefined && query === '') return { app, service: toService(rpc), kind: only(method, 'POST', 'rpc') }
  if (path !== 'info/refs')
    throw new PaasError('not_found', `The repository of ${app} has nothing at /${path.slice(0, 80)}.`)
  return { app, service: serviceOf(query), kind: only(method, 'GET', 'refs') }
}

/** Other parameters are left alone, as git-http-backend(1) does. */
function serviceOf(query: string): GitService {
  const [asked, ...more] = new URLSearchParams(query).getAll('service')
  if (asked === undefined) {
    throw new PaasError('bad_request', 'This server supports only the smart HTTP protocol of git.', {
      hint: 'Use git 1.6.6 or newer.',
    })
  }
  const name = /^git-(receive-pack|upload-pack)$/.exec(asked)?.[1]
  if (name !== undefined && more.length === 0) return toService(name)
  throw new PaasError('bad_request', 'The service must be either git-upload-pack or git-receive-pack.')
}

function noRepository(url: string): PaasError {
  const name = withoutGit.exec(url)?.[1] ?? ''
  if (!appNamePattern.test(name)) return new PaasError('not_found', 'There is no repository at this URL.')
  return new PaasError('not_found', `The URL of a repository ends in .git: use ${name}.git.`, {
    hint: 'Correct it with: git remote set-url REMOTE URL',
  })
}

function toService(name: string): GitService {
  return name === 'receive-pack' ? 'receive-pack' : 'upload-pack'
}

function only<Kind extends GitRequest['kind']>(method: string | undefined, allowed: string, kind: Kind): Kind {
  if (method === allowed) return kind
  throw new PaasError('method_not_allowed', `This URL accepts only ${allowed}.`)
}
