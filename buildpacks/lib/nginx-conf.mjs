// nginx-conf.mjs ROOT plain|built: prints the configuration that serves ROOT of the app in the
// current directory. Reads Heroku's static.json, and Netlify's _redirects and _headers in ROOT.
// `__PORT__` is replaced when the dyno starts. What is wrong with them is said on stderr, in one
// line.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readNetlify } from './netlify.mjs'

const [root, kind] = process.argv.slice(2)
const known = ['root', 'clean_urls', 'routes', 'redirects', 'error_page', 'headers']
/** Where Vite, Astro, SvelteKit, Nuxt and Next.js put files whose names have a digest of them. */
const hashedDirectories = ['assets', '_astro', '_app/immutable', '_nuxt', '_next/static']
const statuses = [301, 302, 303, 307, 308]

const netlify = readNetlify(root, complain)
const settings = { ...(netlify.error_page && { error_page: netlify.error_page }), ...readSettings() }
const notFound = settings.error_page ?? (existsSync(join(root, '404.html')) ? '404.html' : undefined)
/** A built site without a page for what is missing has a router of its own, in the browser. */
const ownRouter = kind === 'built' && notFound === undefined
const routes = { ...(settings.routes ?? (ownRouter ? { '/**': 'index.html' } : {})), ...netlify.routes }
const headers = headerRules()
/** Built sites have pages such as about.html, and link to /about. */
const files = (settings.clean_urls ?? kind === 'built') ? '$uri $uri.html $uri/' : '$uri $uri/'

console.log(`
worker_processes 1;
daemon off;
pid /tmp/nginx/pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  charset utf-8;
  charset_types text/css text/plain text/xml text/javascript application/javascript application/json application/xml;
  access_log off;
  server_tokens off;
  absolute_redirect off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path /tmp/nginx/body;
  proxy_temp_path /tmp/nginx/proxy;
  fastcgi_temp_path /tmp/nginx/fastcgi;
  uwsgi_temp_path /tmp/nginx/uwsgi;
  scgi_temp_path /tmp/nginx/scgi;
  gzip on;
  gzip_vary on;
  gzip_proxied any;
  gzip_types text/plain text/css text/xml application/javascript text/javascript application/json application/manifest+json
    application/xml application/rss+xml application/atom+xml application/wasm image/svg+xml font/ttf font/otf;
  map $request_uri $request_path { ~^(?<path>[^?]*) $path; }
${headers.map(({ values }, index) => headerMap(values, index)).join('\n')}
  server {
    listen __PORT__;
    root ${quote(join('/app', root))};
    index index.html;
${headers.map(addHeader).join('\n')}
${errorPages().join('\n')}
    # Dot files are settings and histories, never pages; .well-known is for the public (RFC 8615).
    location ~ /\\.(?!well-known/) { return 404; }
${root === '.' ? '    location ~ ^/(Procfile|app\\.json|static\\.json|package\\.json|package-lock\\.json)$ { return 404; }' : ''}
    location ~ ^/_(headers|redirects)$ { return 404; }
${redirects().join('\n')}
${locations().join('\n')}
  }
}`)

function readSettings() {
  const value = existsSync('static.json') ? JSON.parse(readFileSync('static.json', 'utf8')) : {}
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown !== undefined) refuse(`${JSON.stringify(unknown)} is not supported; known are ${known.join(', ')}`)
  return value
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * `/**` is for pages, so a missing script or image stays missing; other routes are for all that
 * they match.
 */
function locations() {
  const { '/**': all, ...others } = routes
  const routed = Object.entries(others).map(
    ([glob, file]) => `    location ~ ${pattern(glob)} { try_files ${files} ${quote(path(file))}; }`,
  )
  if (all === undefined) return [...routed, `    location / { try_files ${files} =404; }`]
  return [
    ...routed,
    `    location / { try_files ${files} @routed; }`,
    `    location @routed {`,
    `      if ($uri ~ "\\.[a-zA-Z0-9]{1,8}$") { return 404; }`,
    `      rewrite ^ ${quote(path(all))} break;`,
    `    }`,
  ]
}

/** A directory without an index is missing, not forbidden. */
function errorPages() {
  if (notFound === undefined) return ['    error_page 403 @missing;', '    location @missing { return 404; }']
  return [`    error_page 404 ${quote(path(notFound))};`, `    error_page 403 =404 ${quote(path(notFound))};`]
}

function redirects() {
  const rewritten = Object.values(netlify.redirects).map(
    ({ pattern: from, status, url }) => `    location ~ ${from} { return ${status} "${url}"; }`,
  )
  const own = Object.entries(settings.redirects ?? {}).map(([glob, redirect]) => {
    const { url, status = 301 } = redirect
    if (!isObject(redirect) || !statuses.includes(status))
      refuse(`a redirect is {"url": …, "status": ${statuses.join(' | ')}}`)
    return `    location ~ ${pattern(glob)} { return ${status} ${quote(url)}; }`
  })
  return [...own, ...rewritten]
}

/**
 * Files whose name changes with their content may be kept forever; of all others the browser asks
 * each time.
 */
function headerRules() {
  const rules = [['Cache-Control', '/**', 'no-cache']]
  for (const directory of kind === 'built' ? hashedDirectories : []) {
    if (existsSync(join(root, directory)))
      rules.push(['Cache-Control', `/${directory}/**`, 'public, max-age=31536000, immutable'])
  }
  for (const [glob, fields] of Object.entries({ ...netlify.headers, ...settings.headers })) {
    if (!isObject(fields)) refuse(`headers of ${JSON.stringify(glob)} are {"NAME": "VALUE", …}`)
    for (const [name, value] of Object.entries(fields)) rules.push([name, glob, value])
  }
  const names = [...new Set(rules.map(([name]) => name))]
  return names.map((name) => ({
    name,
    values: rules.filter(([other]) => other === name).map(([, glob, value]) => ({ glob, value })),
  }))
}

/** What may be kept forever is what was found, not that it was not. */
function addHeader({ name }, index) {
  const always = /^cache-control$/i.test(name) ? '' : ' always'
  return `    add_header ${quote(name)} $header_${index}${always};`
}

/**
 * The last rule that matches counts; nginx takes the first of a map. An empty value sends no
 * header.
 */
function headerMap(values, index) {
  const lines = values.toReversed().map(({ glob, value }) => `    ~${pattern(glob)} ${quote(value)};`)
  return [`  map $request_path $header_${index} {`, '    default "";', ...lines, '  }'].join('\n')
}

/**
 * A glob of static.json as a regular expression of nginx: `*` within a directory, `**` across them.
 */
function pattern(glob) {
  const text = checked(glob)
  const parts = text.split(/(\*\*|\*)/).map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : escape(part)))
  return `^${parts.join('')}$`
}

function escape(text) {
  return text.replace(/[.+?^()[\]{}|\s]/g, '\\$&')
}

function path(file) {
  return `/${checked(file).replace(/^\/+/, '')}`
}

/**
 * Within quotes a policy may have its own, and semicolons.
 * @param {unknown} text
 * @returns {string}
 */
function quote(text) {
  if (typeof text === 'string' && /^[^\u0000-\u001f"\\$]*$/.test(text)) return `"${text}"`
  return refuse(`${JSON.stringify(text)} is not a text without quotes ("), backslashes and $`)
}

/**
 * nginx cannot escape `$`, and the rest would end a word or a block.
 * @param {unknown} text
 * @returns {string}
 */
function checked(text) {
  if (typeof text === 'string' && /^[^\u0000-\u001f"'\\${};]*$/.test(text)) return text
  return refuse(`${JSON.stringify(text)} is not a text without quotes, backslashes, braces, ; and $`)
}

/**
 * @param {string} message
 * @returns {never}
 */
function refuse(message) {
  return complain(`static.json: ${message}`)
}

/**
 * @param {string} message
 * @returns {never}
 */
function complain(message) {
  console.error(message)
  process.exit(1)
}
