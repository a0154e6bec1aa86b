import { execFileSync, spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { AppId } from '../../src/model/ids.ts'
import { connectRouterControl } from '../../src/router/control/client.ts'
import { routerYoungMiB } from '../../src/supervisor/children.ts'
import { sparingEnvironment } from '../../src/supervisor/role-process.ts'

export type Contender = AsyncDisposable & { name: string; port: number; pid: number }
/** The same process, speaking TLS on another port. */
export type TlsContender = Contender & { httpsPort: number }

const body = '0123456789abcdef'.repeat(4)
const main = resolve(import.meta.dirname, '../../src/main/router.ts')

/** What stands behind each proxy: nginx with an answer of 64 bytes, on the second core. */
export function startBackend(directory: string): Promise<Contender> {
  return startNginxServer({ name: 'backend', directory, core: 1, site: () => `location / { return 200 "${body}"; }` })
}

export function startNginx(directory: string, backend: number): Promise<Contender> {
  const upstream = `upstream backend { server 127.0.0.1:${backend}; keepalive 256; keepalive_requests 1000000000; }`
  const site = (): string =>
    'location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;' +
    ' proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr; }'
  return startNginxServer({ name: 'nginx', directory, core: 0, site, upstream })
}

/** @param certificate PEM with its key */
export async function startCaddy(directory: string, backend: number, certificate: string): Promise<TlsContender> {
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
  return { ...(await contender(`Caddy ${versionOf('caddy', 'version')}`, port, child)), httpsPort }
}

/** `certificate`: the file with what it shows, and its key. */
export async function startRouter(directory: string, backend: number): Promise<TlsContender & { certificate: string }> {
  const [port, httpsPort] = [await freePort(), await freePort()]
  const data = join(directory, 'data')
  const child = start(0, process.execPath, [`--max-semi-space-size=${routerYoungMiB}`, main], {
    env: {
      ...sparingEnvironment,
      ...process.env,
      PAAS_DATA: data,
      PAAS_HTTP_PORT: String(port),
      PAAS_HTTPS_PORT: String(httpsPort),
      PAAS_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  const target = { id: 'bench', dyno: 'web.1', release: 1, host: '127.0.0.1', port: backend }
  await connectRouterControl(join(data, 'run/router/control.sock')).switchTo({
    appId: 'bench' as AppId,
    app: 'bench',
    hosts: ['bench.localhost'],
    state: 'up',
    targets: [target],
  })
  const certificate = join(data, 'tls/certificate.pem')
  return { ...(await contender('our router', port, child)), httpsPort, certificate }
}

type NginxServer = { name: string; directory: string; core: number; site: () => string; upstream?: string }

async function startNginxServer({ name, directory, core, site, upstream = '' }: NginxServer): Promise<Contender> {
  const port = await freePort()
  const file = join(directory, `${name}.conf`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  await writeFile(
    file,
    `daemon off; master_process off; pid ${directory}/${name}.pid; error_log stderr;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
${temporary.map((kind) => `${kind}_temp_path ${directory}/${name}-${kind};`).join('\n')}
${upstream}
server { listen 127.0.0.1:${port} backlog=4096; ${site()} } }
`,
  )
  const child = start(core, 'nginx', ['-p', directory, '-c', file], {})
  return contender(`nginx ${versionOf('nginx', '-v')}`, port, child)
}

/** Runs a command on one core. */
function start(
  core: number,
  command: string,
  argv: string[],
  options: { env?: NodeJS.ProcessEnv; stdio?: StdioOptions },
) {
  return spawn('taskset', ['-c', String(core), command, ...argv], { stdio: 'ignore', ...options })
}

async function contender(name: string, port: number, child: ChildProcess): Promise<Contender> {
  await listens(port, child)
  return {
    name,
    port,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** None of these programs says when it listens, but ours. */
async function listens(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} exited with ${child.exitCode}`)
    const socket = connect(port, '127.0.0.1')
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (connected) return
    await delay(100)
  }
  throw new Error(`${child.spawnargs.join(' ')} does not listen on port ${port}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no free port')
  return address.port
}

function versionOf(command: string, flag: string): string {
  const output = execFileSync('sh', ['-c', `${command} ${flag} 2>&1`], { encoding: 'utf8' })
  return /\d+(\.\d+)+/.exec(output)?.[0] ?? ''
}
