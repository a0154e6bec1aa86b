// Loaded into every Node process of Heroku's command: a connection to anything but this machine is written down in the file
// $STRAY_CONNECTIONS and refused, and so is the look-up of any other name.
const dns = require('node:dns')
const { appendFileSync } = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')
const net = require('node:net')

const loopback = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0|::)$/

// oxlint-disable-next-line typescript/unbound-method -- it is called with the this it was called with
const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function guardedConnect(...args) {
  const [first, second] = args.flat()
  const { host, path } =
    typeof first === 'object' ? first : typeof first === 'number' ? { host: second } : { path: first }
  if (typeof path === 'string' || isLoopback(host)) return connect.apply(this, args)
  process.nextTick(() => this.destroy(refusal(`connect ${host}`)))
  return this
}

const { lookup } = dns
dns.lookup = (name, ...rest) => {
  if (isLoopback(name)) return lookup(name, ...rest)
  process.nextTick(rest.at(-1), refusal(`lookup ${name}`))
}
const lookupPromise = dns.promises.lookup
dns.promises.lookup = async (name, ...rest) => {
  if (isLoopback(name)) return lookupPromise(name, ...rest)
  throw refusal(`lookup ${name}`)
}
syncBuiltinESMExports()

function isLoopback(host) {
  return host === undefined || host === null || host === '' || loopback.test(host)
}

function refusal(what) {
  appendFileSync(process.env.STRAY_CONNECTIONS, `${what}\n`)
  return Object.assign(new Error(`refused by the test: ${what}`), { code: 'ECONNREFUSED' })
}
