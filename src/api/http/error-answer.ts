import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { asPaasError, PaasError, type ErrorCode } from '../../errors.ts'
import { explainValidation } from './validation.ts'

/**
 * Fastify's own refusals in our words; what is not here becomes `bad_request` below 500 and
 * `internal` above.
 */
const refusals: Record<string, [ErrorCode, string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', 'The request body is larger than 1 MiB.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['bad_request', 'The request body is not valid JSON.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'media_type_unsupported',
    'The request body is not JSON: send it with the header Content-Type: application/json.',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['bad_request', 'The request body is not as long as Content-Length says.'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'The path of the request is too long.'],
  FST_ERR_BAD_URL: ['bad_request', 'The path of the request is not valid percent-encoding.'],
}

/** Seconds, of what is used up and comes back at a time that nobody knows. */
const usualRetry = 30

/**
 * Every failure of a request becomes Heroku's envelope here: `{id, message}`. Nothing internal
 * leaves the server.
 */
export function answerError(thrown: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = explain(thrown)
  const event = { code: error.code, err: error.fault === 'server' ? thrown : undefined, status: error.status }
  request.log[error.fault === 'server' ? 'error' : 'debug'](event, error.message)
  reply.header('Request-Id', request.id)
  const retryAfter = error.retryAfter ?? (error.status === 429 ? usualRetry : undefined)
  if (retryAfter !== undefined) reply.header('Retry-After', String(retryAfter))
  if (error.code === 'unauthorized') reply.header('WWW-Authenticate', 'Bearer realm="paas"')
  return reply
    .code(error.status)
    .send({ id: error.code, message: [error.message, error.hint].filter(Boolean).join(' ') })
}

function explain(thrown: FastifyError): PaasError {
  if (thrown instanceof PaasError) return thrown
  if (thrown.validation) return new PaasError('invalid_params', explainValidation(thrown.validation))
  const known = refusals[thrown.code]
  if (known) return new PaasError(known[0], known[1], { cause: thrown })
  if (thrown.statusCode !== undefined && thrown.statusCode >= 400 && thrown.statusCode < 500) {
    return new PaasError('bad_request', thrown.message, { cause: thrown })
  }
  return asPaasError(thrown)
}
