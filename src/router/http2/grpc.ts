import type { RequestHead } from '../http/request-head.ts'
import type { Answer } from '../router-error.ts'

/** Of gRPC's codes: https://grpc.github.io/grpc/core/md_doc_statuscodes.html. */
const [deadlineExceeded, permissionDenied, resourceExhausted, unimplemented, internal, unavailable, unauthenticated] = [
  4, 7, 8, 12, 13, 14, 16,
]
const codeOfStatus: Record<number, number> = {
  401: unauthenticated,
  403: permissionDenied,
  404: unimplemented,
  413: resourceExhausted,
  421: unavailable,
  503: unavailable,
}
const milliseconds: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 }

export function isGrpc({ fields }: Pick<RequestHead, 'fields'>): boolean {
  return fields.some(({ key, value }) => key === 'content-type' && /^application\/grpc(?:$|[+;])/i.test(value))
}

/**
 * The router's own answer as clients of gRPC take it: a status of theirs, in a head of 200 that is
 * all there is.
 */
export function formatGrpcAnswer({ status, code, title, text, location }: Answer, requestId: string): string {
  const grpcStatus = code === 'H12' ? deadlineExceeded : (codeOfStatus[status] ?? internal)
  const message = `${title} (${code ?? status}). ${location ?? text}`
  return [
    'HTTP/1.1 200 OK',
    'Content-Type: application/grpc',
    `Grpc-Status: ${grpcStatus}`,
    `Grpc-Message: ${message.replace(/[^\x20-\x7e]|%/g, (character) => encodeURIComponent(character))}`,
    `X-Request-Id: ${requestId}`,
    'Via: 1.1 paas\r\n\r\n',
  ].join('\r\n')
}

/** The milliseconds that its client waits for an answer: `grpc-timeout`. */
export function deadlineOf({ fields }: Pick<RequestHead, 'fields'>): number {
  const value = fields.find(({ key }) => key === 'grpc-timeout')?.value
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(value ?? '') ?? []
  return unit === undefined ? Infinity : Number(amount) * milliseconds[unit]!
}
