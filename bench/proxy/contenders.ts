import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { AppId } from '../../src/model/ids.ts'
import { connectRouterControl } from '../../src/router/control/client.ts'
import { freePort, listening, start, withVersion, type Listening } from './process.ts'
import { startRouterProcess } from './router-process.ts'
import { nameOfTraefik } from './traefik.ts'

/** Speaks TLS on another port too. */
export type TlsListening = Listening & { httpsPort: number }

const execute = promisify(execFile)
const body = '0123456789abcdef'.repeat(4)

/** What stands behind each proxy: nginx with an answer of 64 bytes, on the second core. */
export function startBackend(directory: string): Promise<Listening> {
  const site = `location / { return 200 "${body}"; }`
  return startNginxServer({ name: 'backend', directory, core: 1, site })
}

/** What stands behind them for uploads and WebSockets. */
export async function startNodeBackend(): Promise<Listening> {
  const port = await freePort()
  const child = start(1, process.execPath, [resolve(import.meta.dirname, 'node-backend.ts'), String(port)])
  return listening('backend', port, child)
}

/** Passes bodies on as they come, as the others do. @param certificate PEM with its key */
export async function startNginx(directory: string, backend: number, certificate: string): Promise<TlsListening> {
  const httpsPort = await freePort()
  const upstream =
    `upstream backend { server 127.0.0.1:${backend}; keepalive 256; keepalive_requests 1000000000; }\n` +
    'map $http_upgrade $upgrade_of { default upgrade; "" ""; }'
  const site =
    'location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_request_buffering off;' +
    ' proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $upgrade_of; proxy_set_header Host $host;' +
    ' proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr; }'
  const tls =
    `listen 127.0.0.1:${httpsPort} ssl backlog=4096; ssl_certificate ${certificate};` +
    ` ssl_certificate_key ${certificate}; ssl_protocols TLSv1.2 TLSv1.3;`
  const listening = await startNginxServer({ name: 'nginx', directory, core: 0, site: `${tls} ${site}`, upstream })
  return { ...listening, httpsPort }
}

/** @param certificate PEM with its key */
export async function startCaddy(directory: string, backend: number, certificate: string): Promise<TlsListening> {
  const [port, httpsPort] = [await freePort(), await freePort()]
  const file = join(directory, 'Caddyfile')
  const proxy =
    ` reverse_proxy 127.0.0.1:${backend} {\n` + '  transport http {\n   keepalive_idle_conns_per_host 256\n  }\n }\n}\n'
  await writeFile(
    file,
    `{\n admin off\n auto_https off\n default_sni localhost\n}\nhttp://:${port} {\n${proxy}` +
      `https://:${httpsPort} {\n tls ${certificate} ${certificate}\n${proxy}`,
  )
  const child = start(0, 'caddy', ['run', '--adapter', 'caddyfile', '--config', file], {
    env: { ...process.env, HOME: directory },
  })
  return { ...(await listening(withVersion('Caddy', 'caddy', 'version'), port, child)), httpsPort }
}

/** @param certificate PEM with its key */
export async function startHaproxy(directory: string, backend: number, certificate: string): Promise<TlsListening> {
  const [port, httpsPort] = [await freePort(), await freePort()]
  const file = join(directory, 'haproxy.cfg')
  await writeFile(
    file,
    `global
  nbthread 1
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
  http-reuse always
  option forwardfor
  unique-id-format %{+X}o%ci%cp%Ts%rt
  unique-id-header X-Request-Id
frontend visitors
  bind 127.0.0.1:${port}
  bind 127.0.0.1:${httpsPort} ssl crt ${certificate}
  default_backend app
backend app
  server app 127.0.0.1:${backend} pool-max-conn 256
`,
  )
  const child = start(0, 'haproxy', ['-db', '-f', file])
  return { ...(await listening(withVersion('HAProxy', 'haproxy', '-v'), port, child)), httpsPort }
}

/** Its log line per request goes to /dev/null; there is no way to be without. */
export async function startKamalProxy(directory: string, backend: number): Promise<Listening> {
  const [port, httpsPort] = [await freePort(), await freePort()]
  const env = { ...process.env, HOME: directory, XDG_RUNTIME_DIR: directory }
  const ports = ['--http-port', String(port), '--https-port', String(httpsPort)]
  const proxy = await listening('kamal-proxy', port, start(0, 'kamal-proxy', ['run', ...ports], { env }))
  await execute('kamal-proxy', ['deploy', 'bench', '--target', `127.0.0.1:${backend}`], { env })
  return proxy
}

/** @param traefik its command @param certificate PEM with its key */
export async function startTraefik(
  traefik: string,
  { directory, backend, certificate }: { directory: string; backend: number; certificate: string },
): Promise<TlsListening> {
  const [port, httpsPort] = [await freePort(), await freePort()]
  const file = join(directory, 'traefik.yaml')
  const rule = { rule: 'PathPrefix(`/`)', service: 'app' }
  const pem = { certFile: certificate, keyFile: certificate }
  const dynamic = {
    http: {
      routers: { plain: { ...rule, entryPoints: ['plain'] }, secure: { ...rule, entryPoints: ['secure'], tls: {} } },
      services: { app: { loadBalancer: { servers: [{ url: `http://127.0.0.1:${backend}` }] } } },
    },
    tls: { certificates: [pem], stores: { default: { defaultCertificate: pem } } },
  }
  await writeFile(file, JSON.stringify(dynamic)) // which is YAML, as it reads files of this name's end
  const argv = [
    `--entryPoints.plain.address=127.0.0.1:${port}`,
    `--entryPoints.secure.address=127.0.0.1:${httpsPort}`,
    `--providers.file.filename=${file}`,
    '--serversTransport.maxIdleConnsPerHost=256',
    '--global.checkNewVersion=false',
    '--global.sendAnonymousUsage=false',
  ]
  const child = start(0, traefik, argv, { env: { ...process.env, HOME: directory } })
  const listens = await listening(nameOfTraefik, port, child)
  await untilServing(port)
  return { ...listens, httpsPort }
}

/** It listens before it has read its routes. */
async function untilServing(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const { status } = await fetch(`http://127.0.0.1:${port}/`)
    if (status === 200) return
    await delay(100)
  }
  throw new Error(`what listens on port ${port} does not serve`)
}

/** `certificate`: the file with what it shows, and its key. */
export async function startRouter(directory: string, backend: number): Promise<TlsListening & { certificate: string }> {
  const [port, httpsPort] = [await freePort(), await freePort()]
  const data = join(directory, 'data')
  const child = await startRouterProcess({ core: 0, data, port, httpsPort })
  const target = { id: 'bench', dyno: 'web.1', release: 1, host: '127.0.0.1', port: backend }
  await connectRouterControl(join(data, 'run/router/control.sock')).switchTo({
    appId: 'bench' as AppId,
    app: 'bench',
    hosts: ['bench.localhost'],
    state: 'up',
    targets: [target],
  })
  const certificate = join(data, 'tls/certificate.pem')
  return { ...(await listening('our router', port, child)), httpsPort, certificate }
}

type NginxServer = { name: string; directory: string; core: number; site: string; upstream?: string }

async function startNginxServer({ name, directory, core, site, upstream = '' }: NginxServer): Promise<Listening> {
  const port = await freePort()
  const file = join(directory, `${name}.conf`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  await writeFile(
    file,
    `daemon off; master_process off; pid ${directory}/${name}.pid; error_log stderr;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; client_max_body_size 0;
${temporary.map((kind) => `${kind}_temp_path ${directory}/${name}-${kind};`).join('\n')}
${upstream}
server { listen 127.0.0.1:${port} backlog=4096; ${site} } }
`,
  )
  return listening(withVersion('nginx', 'nginx', '-v'), port, start(core, 'nginx', ['-p', directory, '-c', file]))
}
