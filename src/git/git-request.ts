import type { IncomingMessage } from 'node:http'
import { PaasError } from '../errors.ts'
import { appNamePattern } from '../model/app.ts'

export type GitService = 'receive-pack' | 'upload-pack'

/** What a request asks of an app's repository: the refs there are, or the service itself. */
export type GitRequest = { app: string; service: GitService; kind: 'refs' | 'rpc' }

/** True for every path below a repository. Whatever else such a path is, nobody but this part answers it. */
export function isGitPath(url: string | undefined): boolean {
  return /^\/+[^/?#]*\.git(?:[/?#]|$)/i.test(url ?? '')
}

/**
 * Reads the request line. Only the exact forms git uses are known: no other spelling of the same path is.
 * @throws not_found, method_not_allowed, bad_request for the `dumb` protocol
 */
export function parseGitRequest({ method, url = '' }: Pick<IncomingMessage, 'method' | 'url'>): GitRequest {
  const [, app = '', path = '', query = ''] = /^\/([a-z0-9-]{1,30})\.git\/([^?#]*)(?:\?([^#]*))?$/.exec(url) ?? []
  if (!appNamePattern.test(app)) throw new PaasError('not_found', 'There is no repository at this address.')
  const rpc = /^git-(receive-pack|upload-pack)$/.exec(path)?.[1]
  if (rpc !== undefined && query === '') return { app, service: toService(rpc), kind: only(method, 'POST', 'rpc') }
  if (path !== 'info/refs')
    throw new PaasError('not_found', `The repository of ${app} has nothing at /${path.slice(0, 80)}.`)
  const asked = /^service=git-(receive-pack|upload-pack)$/.exec(query)?.[1]
  if (asked === undefined) {
    throw new PaasError('bad_request', 'This server speaks the smart HTTP protocol only.', {
      hint: 'Use git 1.6.6 or newer.',
    })
  }
  return { app, service: toService(asked), kind: only(method, 'GET', 'refs') }
}

function toService(name: string): GitService {
  return name === 'receive-pack' ? 'receive-pack' : 'upload-pack'
}

function only<Kind extends GitRequest['kind']>(method: string | undefined, allowed: string, kind: Kind): Kind {
  if (method === allowed) return kind
  throw new PaasError('method_not_allowed', `This address takes ${allowed} only.`)
}
