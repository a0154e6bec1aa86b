import { STATUS_CODES } from 'node:http'
import { formatConnection } from './connection-fields.ts'
import type { RequestHead } from './http/request-head.ts'
import type { Answer } from './router-error.ts'

type AnswerOptions = {
  /** undefined when the request could not be read. */
  request: RequestHead | undefined
  requestId: string | undefined
  /** Milliseconds that the connection may be idle afterwards; undefined: it is closed. */
  keptFor: number | undefined
}

/**
 * The whole response, without anything of the app or the request in it: a small page for browsers,
 * JSON in the API's error form for those that ask for JSON first, plain text for the rest (git and
 * curl show it to their user).
 */
export function formatAnswer(answer: Answer, { request, requestId, keptFor }: AnswerOptions): string {
  const { type, body } = represent(answer, request?.fields.find(({ key }) => key === 'accept')?.value ?? '')
  return [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Error'}`,
    `Content-Type: ${type}; charset=utf-8`,
    `Content-Length: ${body.length}`,
    ...(answer.location === undefined ? [] : [`Location: ${answer.location}`]),
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    ...(answer.status === 503 ? ['Retry-After: 5'] : []),
    ...(requestId === undefined ? [] : [`X-Request-Id: ${requestId}`]),
    `Date: ${new Date().toUTCString()}`,
    'Via: 1.1 paas',
    ...(answer.headers === undefined ? [] : [answer.headers.trimEnd()]),
    formatConnection(keptFor, { upgrade: false }),
    request?.method === 'HEAD' ? '' : body,
  ].join('\r\n')
}

/** A page of the app's own is also for those that take anything. */
function represent({ status, title, text, code, plain, page: own }: Answer, accept: string): Body {
  if (plain !== undefined) return { type: 'text/plain', body: plain }
  const label = code === undefined ? String(status) : code
  if (/^[^,]*\bjson\b/i.test(accept)) {
    const id = code ?? (status === 404 ? 'not_found' : 'bad_request')
    return { type: 'application/json', body: `${JSON.stringify({ id, message: text })}\n` }
  }
  if (own !== undefined && /^$|\btext\/html\b|\*\/\*|\btext\/\*/i.test(accept)) return { type: 'text/html', body: own }
  if (!/\btext\/html\b/i.test(accept)) return { type: 'text/plain', body: `${title} (${label}). ${text}\n` }
  return { type: 'text/html', body: page(`${title} (${label})`, text) }
}

type Body = { type: string; body: string }

function page(title: string, text: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}h1{font-size:1.25rem}</style>
<h1>${title}</h1>
<p>${text}</p>
</html>
`
}
