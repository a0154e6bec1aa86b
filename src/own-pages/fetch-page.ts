import { buffer } from 'node:stream/consumers'
import { PaasError } from '../errors.ts'
import { openDownload, withoutSecrets } from '../outbound/download.ts'
import type { Outbound } from '../outbound/outbound.ts'

/** Bytes, and milliseconds until all of them have come. */
const limits = { most: 2 ** 20, within: 15_000 }

/**
 * The page at a user's address, with what makes its relative links lead where they did there.
 * @throws invalid_params, address_forbidden, download_failed, or the signal's reason
 */
export async function fetchPage(outbound: Outbound, url: string, signal: AbortSignal): Promise<string> {
  const wanted = { url, what: 'The address of a page', ...limits }
  const { content, type, from } = await openDownload(outbound, wanted, signal)
  if (!/^text\/html *(;|$)/i.test(type)) {
    content.destroy()
    throw notPage(url, `its type is ${JSON.stringify(type.slice(0, 60))}, not text/html`)
  }
  const html = decode(await buffer(content), type)
  if (html.trim() === '') throw notPage(url, 'it is empty')
  return withBase(html, from)
}

function notPage(url: string, why: string): PaasError {
  return new PaasError('download_failed', `${withoutSecrets(url)} is no page: ${why}.`)
}

/** The page is served as UTF-8, whatever it says of itself: the header goes before that. */
function decode(bytes: Buffer, type: string): string {
  try {
    return new TextDecoder(charsetIn(type) ?? charsetIn(bytes.toString('latin1', 0, 1024))).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes) // of an encoding that nobody knows
  }
}

function charsetIn(text: string): string | undefined {
  return /charset=["']?([\w:.-]{1,40})/i.exec(text)?.[1]
}

/**
 * Right behind the document type, without which browsers lay pages out as in 1999; the parser makes
 * the head that it belongs into. What the address has behind `?` is not shown to visitors.
 */
function withBase(html: string, from: URL): string {
  if (/<base[\s>]/i.test(html)) return html
  const type = html.slice(0, 1024).toLowerCase().indexOf('<!doctype')
  const at = type === -1 ? 0 : html.indexOf('>', type) + 1
  const directory = new URL('.', from)
  directory.username = directory.password = ''
  return `${html.slice(0, at)}<base href="${directory.href}">${html.slice(at)}`
}
