// Loaded by NODE_OPTIONS (see heroku-environment.ts) into every Node process of a shell that speaks
// to a paas server, such as Heroku's command: some of its commands call hosts of Heroku's that no
// setting changes, and send them the token.
const net = require('node:net')
const tls = require('node:tls')
const { syncBuiltinESMExports } = require('node:module')

const herokus = /(^|\.)(heroku|herokai|herokudev|herokuspace|status\.salesforce)\.com\.?$/i

// oxlint-disable-next-line typescript/unbound-method -- called with the caller's this
const connectSocket = net.Socket.prototype.connect
net.Socket.prototype.connect = function connect(...args) {
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
syncBuiltinESMExports()

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
