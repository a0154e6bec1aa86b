// nginx-conf.mjs ROOT plain|built: prints the configuration that serves ROOT of the app in the current directory. Reads Heroku's
// static.json. `__PORT__` is replaced when the dyno starts. What is wrong with static.json is said on stderr, in one line.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [root, kind] = process.argv.slice(2)
const settings = readSettings()
const known = ['root', 'clean_urls', 'routes', 'redirects', 'error_page', 'headers']
const notFound = settings.error_page ?? (existsSync(join(root, '404.html')) ? '404.html' : undefined)
/** A built site without a page for what is missing has a router of its own, in the browser. */
const routes = settings.routes ?? (kind === 'built' && notFound === undefined ? { '/**': 'index.html' } : {})

for (const key of Object.keys(settings)) if (!known.includes(key)) refuse(`"${key}" is not supported; known are ${known.join(', ')}`)

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
  access_log off;
  server_tokens off;
  absolute_redirect off;
  sendfile on;
  tcp_nopush on;
  client_max_body_size 1m;
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
${headerMaps().join('\n')}
  server {
    listen __PORT__;
    root ${quote(join('/app', root))};
    index index.html;
${headerNames().map((name, index) => `    add_header ${quote(name)} $header_${index};`).join('\n')}
${notFound === undefined ? '' : `    error_page 404 ${quote(path(notFound))};`}
    # Dot files are settings and histories, never pages; .well-known is for the public (RFC 8615).
    location ~ /\\.(?!well-known/) { return 404; }
${root === '.' ? '    location ~ ^/(Procfile|app\\.json|static\\.json|package\\.json|package-lock\\.json)$ { return 404; }' : ''}
${redirects().join('\n')}
    location / { try_files ${files()} ${fallback()}; }
${routedLocations().join('\n')}
  }
}`)

function readSettings() {
  if (!existsSync('static.json')) return {}
  try {
    const value = JSON.parse(readFileSync('static.json', 'utf8'))
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value
  } catch (error) {
    return refuse(`is not JSON: ${error.message}`)
  }
  return refuse('is not an object')
}

function files() {
  return settings.clean_urls ? '$uri $uri.html $uri/' : '$uri $uri/'
}

/** What `/**` routes to is for pages; a missing script or image is missing. */
function fallback() {
  return routes['/**'] === undefined ? '=404' : '@routed'
}

function routedLocations() {
  const all = routes['/**']
  const named =
    all === undefined
      ? []
      : [
          `    location @routed {`,
          `      if ($uri ~ "\\.[a-zA-Z0-9]{1,8}$") { return 404; }`,
          `      rewrite ^ ${quote(path(all))} break;`,
          `    }`,
        ]
  const others = Object.entries(routes).filter(([glob]) => glob !== '/**')
  return [...named, ...others.map(([glob, file]) => `    location ~ ${pattern(glob)} { try_files ${files()} ${quote(path(file))}; }`)]
}

function redirects() {
  return Object.entries(settings.redirects ?? {}).map(([glob, { url, status = 301 }]) => {
    if (![301, 302, 303, 307, 308].includes(status)) refuse(`a redirect has the status ${status}; 301, 302, 303, 307 and 308 are`)
    return `    location ~ ${pattern(glob)} { return ${status} ${quote(url)}; }`
  })
}

/** Files whose name changes with their content may be kept for ever; of all others the browser asks each time. */
function headerRules() {
  const rules = [['Cache-Control', '/**', 'no-cache']]
  if (kind === 'built' && existsSync(join(root, 'assets'))) rules.push(['Cache-Control', '/assets/**', 'public, max-age=31536000, immutable'])
  for (const [glob, headers] of Object.entries(settings.headers ?? {})) {
    for (const [name, value] of Object.entries(headers)) rules.push([name, glob, value])
  }
  return rules
}

function headerNames() {
  return [...new Set(headerRules().map(([name]) => name))]
}

/** The last rule that matches counts; nginx takes the first of a map. An empty value sends no header. */
function headerMaps() {
  return headerNames().map((wanted, index) => {
    const rules = headerRules().filter(([name]) => name === wanted)
    const lines = rules.toReversed().map(([, glob, value]) => `    ~${pattern(glob, '')} ${quote(value)};`)
    return `  map $uri $header_${index} {\n    default "";\n${lines.join('\n')}\n  }`
  })
}

/** A glob of static.json as a regular expression of nginx: `*` within a directory, `**` across them. */
function pattern(glob) {
  const text = checked(glob)
  if (text === '/') return '^/(?:index\\.html)?$'
  const parts = text.split(/(\*\*|\*)/).map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : escape(part)))
  return `^${parts.join('')}$`
}

function escape(text) {
  return text.replace(/[.+?^()[\]{}|]/g, '\\$&')
}

function path(file) {
  return `/${checked(file).replace(/^\/+/, '')}`
}

function quote(text) {
  return `"${checked(text)}"`
}

/** nginx cannot escape `$`, and the rest would end a word or a block. */
function checked(text) {
  if (typeof text === 'string' && /^[^\u0000-\u001f"'\\${};]*$/.test(text)) return text
  return refuse(`${JSON.stringify(text)} is not a text without quotes, backslashes, braces, ; and $`)
}

function refuse(message) {
  console.error(`static.json: ${message}`)
  process.exit(1)
}
