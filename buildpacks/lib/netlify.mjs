// `_redirects` and `_headers`, which Netlify and Cloudflare Pages read (docs.netlify.com), as far
// as files can do what they say: no proxies, and no conditions.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What they say, in the words of static.json; a redirect may have `pattern`, a regular expression
 * whose groups its `url` has as $1, $2 ….
 * @param refuse is told what is not understood, and does not return
 */
export function readNetlify(root, refuse) {
  const settings = { routes: {}, redirects: {}, headers: headersOf(linesOf(root, '_headers'), refuse) }
  for (const line of linesOf(root, '_redirects')) addRule(settings, line.trim(), refuse)
  return settings
}

function linesOf(root, file) {
  const path = join(root, file)
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
}

function addRule(settings, line, refuse) {
  const [from, to, status = '301', ...more] = line.split(/\s+/)
  const code = Number(status.replace('!', ''))
  const isOwn = to?.startsWith('/') && !/[*:]/.test(to)
  if (!from.startsWith('/') || to === undefined || more.length > 0 || /[(){}"'\\;$]/.test(line))
    refuse(`_redirects: ${JSON.stringify(line)} is not FROM TO STATUS, with paths`)
  if (code === 200 && isOwn) settings.routes[from.replace(/\*$/, '**')] = to
  else if (code === 404 && isOwn && from === '/*') settings.error_page = to
  else if ([301, 302, 303, 307, 308].includes(code)) settings.redirects[from] = redirectOf(from, to, code)
  else refuse(`_redirects: ${JSON.stringify(line)} is not supported: neither a redirect nor a page of the site`)
}

function redirectOf(from, to, status) {
  const names = []
  const pattern = from.replace(/[.+?^[\]|]/g, '\\$&').replace(/\*$|:\w+/g, (part) => {
    names.push(part === '*' ? ':splat' : part)
    return part === '*' ? '(.*)' : '([^/]+)'
  })
  const url = to.replace(/:[a-z]\w*/gi, (name) => (names.includes(name) ? `$${names.indexOf(name) + 1}` : name))
  return { status, pattern: `^${pattern}$`, url }
}

function headersOf(lines, refuse) {
  const headers = {}
  let path
  for (const line of lines) {
    const [, name, value] = /^\s+([\w-]+):\s*(.*)$/.exec(line) ?? []
    if (line.startsWith('/')) path = line.trim().replace(/\*$/, '**')
    else if (name === undefined || path === undefined)
      refuse(`_headers: ${JSON.stringify(line)} is not "  NAME: VALUE"`)
    else headers[path] = { ...headers[path], [name]: value.trim() }
  }
  return headers
}
