import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import etag from '@fastify/etag'
import type { FastifyRequest } from 'fastify'
import type { Api } from '../deps.ts'
import { checkBodySize } from './body-size.ts'
import { refuseWhileClosing } from './closing.ts'
import { isPagesLook } from './inside.ts'
import { checkVersion } from './version.ts'

/**
 * What holds for every request: ids, no body where none is needed, ETag with 304, nothing cached by
 * proxies.
 */
export function followConventions(api: Api): void {
  api.removeAllContentTypeParsers()
  const parse = api.getDefaultJsonParser('error', 'error')
  api.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, {})
    else void parse(request, body.toString(), done)
  })
  api.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'Request-Id': request.id,
      'Cache-Control': 'private, no-cache',
      'X-Content-Type-Options': 'nosniff',
    })
    checkVersion(request)
  })
  refuseWhileClosing(api)
  api.addHook('preValidation', async (request) => {
    request.body ??= {}
    if (!(request.body instanceof Readable)) checkBodySize(request.body)
  })
  api.addHook('onResponse', logAnswer)
  void api.register(etag)
}

async function logAnswer(request: FastifyRequest, reply: { statusCode: number; elapsedTime: number }): Promise<void> {
  if (isPagesLook(request)) return
  const { method, routeOptions, identity } = request
  const ms = Math.round(reply.elapsedTime)
  request.log.info(
    { method, route: routeOptions.url, status: reply.statusCode, ms, account: identity?.account.id },
    'request',
  )
}

/** The router's id for the request, so that one id finds it in all logs. */
export function idOfRequest(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[\w-]{1,200}$/.test(given) ? given : randomUUID()
}
