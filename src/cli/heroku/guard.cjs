// Loaded by NODE_OPTIONS (see heroku-environment.ts) into every Node process of a shell that speaks
// to a paas server, such as Heroku's command: some of its commands call hosts of Heroku's that no
// setting changes, and send them the token. Others speak to a database, whose port is open to its
// apps alone: they are led there by way of the server's API.
const http = require('node:http')
const https = require('node:https')
const net = require('node:net')
const tls = require('node:tls')
const childProcess = require('node:child_process')
const { mkdtempSync, openSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { syncBuiltinESMExports } = require('node:module')

const herokus = /(^|\.)(heroku|herokai|herokudev|herokuspace|status\.salesforce)\.com\.?$/i

/** Names of add-ons on the networks of their apps. */
const addons = /^[a-z][a-z0-9-]{0,40}-[0-9a-f]{12}$/
const paas = path.join(__dirname, '../../../bin/paas')

// oxlint-disable-next-line typescript/unbound-method -- called with the caller's this
const connectSocket = net.Socket.prototype.connect
net.Socket.prototype.connect = function connect(...args) {
  const addon = addonIn(args)
  if (addon !== undefined) return tunnel(this, addon, args)
  const refusal = refuse(args)
  if (refusal === undefined) return connectSocket.apply(this, args)
  process.nextTick(() => this.destroy(refusal))
  return this
}

// Through a proxy, only the TLS inside its tunnel names the host.
const connectTls = tls.connect
tls.connect = (...args) => {
  const refusal = refuse(args)
  if (refusal === undefined) return connectTls(...args)
  const socket = new net.Socket()
  process.nextTick(() => socket.destroy(refusal))
  return socket
}

// The command downloads backups by `https.get`, whatever the URL is.
const { get } = https
https.get = (url, ...args) => (isPlain(url) ? http.get(url, ...args) : get(url, ...args))

function isPlain(url) {
  return typeof url === 'string' && url.startsWith('http:')
}

// There is no page of an add-on to open; the command would open "null".
if (process.argv[2] === 'addons:open') {
  process.stderr.write(
    'paas: add-ons have no page of their own here. See one with: heroku pg:info, redis:info, addons:info\n',
  )
  process.exit(1)
}

// psql, pg_dump and pg_restore run beside the database, so that nobody needs some of their own.
const { spawn } = childProcess
childProcess.spawn = (command, argv, options) => {
  if (command === 'pg_dump' || command === 'pg_restore') return spawnBeside(command, argv, options)
  const host = command === 'psql' ? options?.env?.PGHOST : undefined
  if (host === undefined || !addons.test(host)) return spawn(command, argv, options)
  const { stdio } = options
  const file = argv[argv.indexOf('-f') + 1]
  const input = argv.includes('-f') ? [openSync(file), ...stdio.slice(1)] : stdio
  const args = ['addons:client', host, '--', ...clientArguments(argv)]
  return spawn(paas, args, { ...options, stdio: input, env: paasEnvironment() })
}
syncBuiltinESMExports()

/** What is about the connection is not about this one. */
function spawnBeside(command, argv, options) {
  const host = argv[argv.indexOf('-h') + 1]
  if (!argv.includes('-h') || !addons.test(host)) return spawn(command, argv, options)
  const database = command === 'pg_dump' ? argv.findLastIndex((arg) => !arg.startsWith('-')) : -1
  const args = argv.filter(
    (arg, at) => at !== database && !/^-[Uhpd]$/.test(arg) && !/^-[Uhpd]$/.test(argv[at - 1] ?? ''),
  )
  const { shell: _shell, env: _env, ...rest } = options
  return spawn(paas, ['addons:client', host, '--', command, ...args], { ...rest, env: paasEnvironment() })
}

/** Those that are about the connection are not about this one; a file is here, not there. */
function clientArguments(argv) {
  return argv.flatMap((arg, at) => {
    const next = argv[at + 1] ?? ''
    if (arg === '--set' && /^(sslmode|channel_binding)=/.test(next)) return []
    if (/^(sslmode|channel_binding)=/.test(arg) && argv[at - 1] === '--set') return []
    return argv[at - 1] === '-f' ? '-' : arg
  })
}

function paasEnvironment() {
  const { HEROKU_HOST: url, HEROKU_API_KEY: token, NODE_OPTIONS: _guard, ...env } = process.env
  return { ...env, PAAS_URL: url, ...(token && { PAAS_TOKEN: token }) }
}

function addonIn(args) {
  const found = args.flat().flatMap((arg) => (arg && typeof arg === 'object' ? [arg.host] : [arg]))
  return found.find((value) => typeof value === 'string' && addons.test(value))
}

/**
 * Connects the socket with one of this process, and that with the add-on's port. At once, since
 * what is written to a socket waits only for a connection that has begun.
 */
function tunnel(socket, addon, args) {
  const directory = mkdtempSync(path.join(tmpdir(), 'paas-'))
  const at = path.join(directory, 'socket')
  const server = net.createServer((here) => {
    server.close()
    rmSync(directory, { recursive: true })
    const stdio = ['pipe', 'pipe', 'inherit']
    const child = spawn(paas, ['addons:client', addon, '--tunnel'], { stdio, env: paasEnvironment() })
    here.on('error', () => child.kill())
    here.pipe(child.stdin).on('error', () => undefined)
    child.stdout.pipe(here)
  })
  const listener = args.flat().find((arg) => typeof arg === 'function')
  server.listen(at)
  return connectSocket.call(socket, { path: at }, listener)
}

/**
 * `args` are those of connect: options, or port and host; Node itself passes them once more in an
 * array.
 */
function refuse(args) {
  const found = args.flat().flatMap((arg) => (arg && typeof arg === 'object' ? [arg.host, arg.servername] : [arg]))
  const host = found.find((value) => typeof value === 'string' && herokus.test(value))
  return host === undefined ? undefined : new Error(message(host))
}

function message(host) {
  const server = process.env.HEROKU_HOST || 'a paas server'
  return `paas: nothing is sent to ${host}. This shell speaks to ${server} (paas heroku:env), which has no such service.`
}
