import { execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import packets, { type Packet } from 'dns-packet'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Network } from '../../src/config.ts'
import { docker, limits, never, shell, testEngine, type TestEngine } from './support.ts'

let server: TestEngine
let names: Awaited<ReturnType<typeof nameServers>>
beforeAll(async () => {
  server = await testEngine()
  names = await nameServers()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await names[Symbol.asyncDispose]()
})

it('a dyno or build asks anybody for names where nothing is set, as long as the address is public', async () => {
  await using tenants = await runWith(undefined)
  expect(await tenants.ask(names.other, 'free')).toEqual(['udp answer', 'tcp answer', 'udp answer', 'tcp answer'])
  expect(await tenants.ask(names.given, 'closed')).toEqual(refused)
  expect(names.asked()).toEqual([`${names.other} free.dyno.test`, `${names.other} free.build.test`])
})

it('with name servers set, nothing gets out in a question to any other, even in a network that is open', async () => {
  await using tenants = await runWith([names.given], ['198.51.100.0/24'])
  expect(await tenants.resolve('wanted')).toEqual(['203.0.113.9', '203.0.113.9'])
  expect(await tenants.ask(names.given, 'direct')).toEqual(['udp answer', 'tcp answer', 'udp answer', 'tcp answer'])
  expect(await tenants.ask(names.other, 'secret')).toEqual(refused)
  const heard = ['wanted', 'direct'].flatMap((name) => [`${name}.dyno.test`, `${name}.build.test`])
  expect(names.asked()).toEqual(heard.map((name) => `${names.given} ${name}`))
  await using neighbours = await testEngine()
  await using free = await runWith(undefined, [], neighbours)
  expect(await free.ask(names.other, 'neighbour')).not.toContain('udp refused')
})

it('with none, no name but those of the app’s own network is resolved, and at once', async () => {
  await using tenants = await runWith([])
  expect(await tenants.resolve('secret')).toEqual(['', ''])
  expect(await tenants.ask(names.other, 'secret')).toEqual(refused)
  expect(await tenants.ask(names.given, 'secret')).toEqual(refused)
  const sibling = await docker('inspect', '--format', '{{.Name}}', tenants.dyno)
  expect(await docker('exec', tenants.dyno, 'getent', 'hosts', sibling.slice(1))).toMatch(/^10\./)
  expect(names.asked()).not.toContain(expect.stringContaining('secret'))
})

const refused = ['udp refused', 'tcp refused', 'udp refused', 'tcp refused']

/** A dyno and a build of a server with this setting. What they ask is what a tenant does: through the system, or straight. */
async function runWith(servers: string[] | undefined, allow: string[] = [], of = server) {
  const network: Network = { firewall: true, allow, host: [], nameServers: servers }
  const engine = of.connect({ network })
  await engine.secureHost()
  const { appId, image } = of
  const shared = { appId, image, limits, env: {} }
  const build = await engine.createSandbox({ ...shared, name: 'names', user: 'app', labels: {} }, never)
  const spec = { ...shared, app: 'acme', name: 'web.1', type: 'web', release: 7, size: 'basic' }
  const dyno = await engine.runDyno({ ...spec, command: 'sleep 1000', restart: true }, never)
  const each = async (script: (place: string) => string) => [
    await docker('exec', dyno.id, 'bash', '-c', script('dyno')),
    (await shell(build, script('build'))).output,
  ]
  return {
    dyno: dyno.id,
    resolve: (name: string) => each((place) => `getent ahostsv4 ${name}.${place}.test | sed 's/ .*//;q'`),
    ask: async (address: string, name: string) =>
      (await each((place) => asking(address, `${name}.${place}.test`))).flatMap((lines) => lines.split('\n')),
    async [Symbol.asyncDispose]() {
      await build[Symbol.asyncDispose]()
      await engine.stopDyno(dyno.id, 0)
    },
  }
}

/** Bash that asks a name server itself, by UDP and TCP, and prints whether something came back. */
function asking(address: string, name: string): string {
  const question: Packet = { id: 7, type: 'query', flags: packets.RECURSION_DESIRED, questions: [{ type: 'A', name }] }
  const attempt = (protocol: string, query: Uint8Array) => `
    answer=$( { exec 3<>/dev/${protocol}/${address}/53 && printf '${octal(query)}' >&3 && timeout 3 head -c 9 <&3 | wc -c; } 2>/dev/null)
    case "$answer" in 9) echo ${protocol} answer;; *) echo ${protocol} refused;; esac`
  return attempt('udp', packets.encode(question)) + attempt('tcp', packets.streamEncode(question))
}

function octal(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
}

/**
 * Name servers on another machine, which is a network namespace: `given` has a private address, `other` one that apps may
 * reach (RFC 5737 sets such aside).
 */
async function nameServers() {
  const number = randomInt(1, 255)
  const name = `dnstest${number}`
  const [gateway, given, other] = [`192.168.${number}.1`, `192.168.${number}.2`, `198.51.100.${number}`]
  const ip = (line: string) => execFileSync('ip', line.split(' '))
  ip(`netns add ${name}`)
  ip(`link add ${name} type veth peer name eth0 netns ${name}`)
  ip(`addr add ${gateway}/24 dev ${name}`)
  ip(`link set ${name} up`)
  ip(`-n ${name} addr add ${given}/24 dev eth0`)
  ip(`-n ${name} addr add ${other}/32 dev eth0`)
  ip(`-n ${name} link set eth0 up`)
  ip(`-n ${name} route add default via ${gateway}`)
  ip(`route add ${other}/32 via ${given}`)
  const script = join(import.meta.dirname, 'name-server.ts')
  const child = spawn('nsenter', [`--net=/run/netns/${name}`, process.execPath, script, given, other])
  const lines: string[] = []
  const output = createInterface(child.stdout).on('line', (line) => lines.push(line))
  await once(output, 'line')
  return {
    given,
    other,
    /** Since the last call, each once: `ADDRESS NAME`. */
    asked: () => [...new Set(lines.splice(0).filter((line) => line !== 'up'))],
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await once(child, 'exit')
      ip(`netns delete ${name}`)
    },
  }
}
