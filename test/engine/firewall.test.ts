import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseResolvers } from '../../src/engine/docker/firewall.ts'
import { bridgePrefixOf, networkName } from '../../src/engine/docker/names.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import { docker, letGo, listener, shell, testEngine, type TestEngine } from './support.ts'

const run = promisify(execFile)

let server: TestEngine
let host: Server
let hostPort: number
beforeAll(async () => {
  server = await testEngine()
  await server.engine.secureHost()
  host = createServer((_, response) => response.end('the host'))
  await new Promise<void>((resolve) => host.listen(0, '0.0.0.0', resolve))
  hostPort = (host.address() as AddressInfo).port
})
afterAll(async () => {
  host.close()
  await server[Symbol.asyncDispose]()
})

/** What a connection from the sandbox gives: what it read, or `refused`. Fails if there is no answer in time. */
async function reach(sandbox: Awaited<ReturnType<TestEngine['sandbox']>>, address: string, port: number) {
  const script = `exec 3<>/dev/tcp/${address}/${port} || exit 9; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 3 cat <&3`
  const { code, output } = await shell(sandbox, `timeout 8 bash -c '${script.replaceAll("'", `'\\''`)}' 2>/dev/null`)
  return code === 9 || code === 124 ? 'refused' : output
}

describe('from a container', () => {
  it('a listener on all addresses of the host is not reached at any of them', async () => {
    await using sandbox = await server.sandbox()
    const gateway = await gatewayOf(sandbox.id)
    const interfaces = Object.entries(networkInterfaces()).filter(([name]) => !name.startsWith('paas'))
    const addresses = interfaces.flatMap(([, entries]) => entries ?? [])
    const own = addresses.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address)
    expect(own.length).toBeGreaterThan(0)
    expect(await fromForeignNetwork(own[0] ?? '')).toContain('the host')
    const reached = await Promise.all([...own, gateway].map((address) => reach(sandbox, address, hostPort)))
    expect(new Set(reached)).toEqual(new Set(['refused']))
  })

  it('link-local addresses, a cloud’s metadata service among them, are refused with an answer', async () => {
    await using sandbox = await server.sandbox()
    const { output } = await shell(sandbox, 'bash -c "exec 3<>/dev/tcp/169.254.169.254/80" 2>&1')
    expect(output).toContain('No route to host')
  })

  it.each(['10.0.0.1', '172.16.0.1', '192.168.0.1', '100.64.0.1'])(
    'the private network of %s is refused',
    async (address) => {
      await using sandbox = await server.sandbox()
      expect(await reach(sandbox, address, 80)).toBe('refused')
    },
  )

  it('dynos of another app are not reached, nor are the app’s own from its builds', async () => {
    const dyno = await server.dyno(listener('5000'))
    const reachable = await text(await connected(dyno.address ?? '', 5000))
    expect(reachable).toBe('hello\n')
    const neighbour = await server.dyno('sleep 1000', { appId: newId<AppId>() })
    expect(await fromDyno(neighbour.id, `cat </dev/tcp/${dyno.address}/5000`)).toContain('exit 1')
    await using sandbox = await server.sandbox()
    expect(await reach(sandbox, dyno.address ?? '', 5000)).toBe('refused')
    const sibling = await server.dyno('sleep 1000', { name: 'worker.1', type: 'worker' })
    expect(await fromDyno(sibling.id, `cat </dev/tcp/${dyno.address}/5000`)).toContain('hello')
  })

  it('names are resolved, and package indexes on the internet are reached', async () => {
    const registry = new URL((await run('npm', ['config', 'get', 'registry'])).stdout.trim())
    await using sandbox = await server.sandbox()
    const { address } = await lookup(registry.hostname)
    expect((await shell(sandbox, `getent ahostsv4 ${registry.hostname}`)).output).toContain(address)
    expect(await shell(sandbox, `curl --silent --fail --output /dev/null ${registry.href}`)).toMatchObject({ code: 0 })
  })
})

function gatewayOf(id: string) {
  return docker('inspect', '--format', '{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}', id)
}

/** What the host answers to a container that is not on a network of ours: shows that our rules make the difference. */
async function fromForeignNetwork(address: string) {
  const script = `exec 3<>/dev/tcp/${address}/${hostPort}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`
  return docker('run', '--rm', server.image, 'bash', '-c', script)
}

/** A connection, once something listens. */
async function connected(address: string, port: number) {
  for (;;) {
    const socket = connect(port, address)
    const opened = await new Promise((resolve) =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
    )
    if (opened) return socket
  }
}

async function fromDyno(id: string, script: string) {
  const command = `timeout 8 bash -c '${script}' 2>&1; echo exit $?`
  return (await run('docker', ['exec', id, 'bash', '-c', command])).stdout
}

describe('the rules', () => {
  const rules = async () => (await run('iptables', ['--wait', '-S'])).stdout.split('\n')

  it('come first in their chains, and once, however often they are set', async () => {
    const ours = (all: string[]) => all.filter((rule) => /^-A (INPUT|DOCKER-USER|FORWARD) .*PAAS/.test(rule))
    const before = await rules()
    await server.engine.secureHost()
    await server.engine.secureHost()
    const all = await rules()
    const firstOf = (chain: string) => all.find((rule) => rule.startsWith(`-A ${chain} `))
    expect(firstOf('INPUT')).toBe('-A INPUT -i paas+ -j PAAS-INPUT')
    expect(firstOf('DOCKER-USER')).toBe('-A DOCKER-USER -i paas+ -j PAAS-FORWARD')
    expect(ours(all)).toContain('-A FORWARD -i paas+ -j PAAS-FORWARD')
    expect(ours(all).toSorted()).toEqual(ours(before).toSorted())
  })

  it('that open something for a server go with it', async () => {
    await using gone = await testEngine()
    const own = async () => (await rules()).filter((rule) => rule.includes(bridgePrefixOf(gone.serverId)))
    const host = [{ port: 5432 }, { address: '172.17.0.1', port: 6379 }]
    const network = { firewall: true, allow: ['10.77.0.0/16', '10.78.1.2/32', '0.0.0.0/0'], host }
    const engine = gone.connect({ network, domain: 'paas.example', httpPort: 8080 })
    await engine.secureHost()
    const once = await own()
    expect(once).toHaveLength(6)
    await engine.secureHost()
    expect(await own()).toEqual(once)
    await engine.removeServer()
    expect(await own()).toEqual([])
  })

  it('are set by several servers at once', async () => {
    const servers = await Promise.all(Array.from({ length: 4 }, () => testEngine()))
    const network = { firewall: true, allow: [], host: [{ port: 5432 }] }
    await Promise.all(servers.map((one) => one.connect({ network }).secureHost()))
    const all = await rules()
    for (const { serverId } of servers) {
      const own = all.filter((rule) => rule.includes(bridgePrefixOf(serverId)))
      expect(own).toEqual([expect.stringMatching(/^-A PAAS-PUBLIC .*--dport 5432 -j RETURN$/)])
    }
    expect(all.find((rule) => rule.startsWith('-A PAAS-INPUT '))).toContain('RELATED,ESTABLISHED')
    expect(all.findLast((rule) => rule.startsWith('-A PAAS-PUBLIC '))).not.toContain('RETURN')
    await Promise.all(servers.map((one) => one.engine.removeServer()))
  })
})

it('a private network is reached once the settings allow it, and no longer when they do not', async () => {
  await using mirror = await privateMachine()
  const allowing = (allow: string[]) => server.connect({ network: { firewall: true, allow, host: [] } }).secureHost()
  await using sandbox = await server.sandbox()
  await allowing([])
  expect(await reach(sandbox, mirror.address, mirror.port)).toBe('refused')
  await allowing([`${mirror.address}/32`])
  expect(await reach(sandbox, mirror.address, mirror.port)).toContain('mirror')
  await using other = await testEngine()
  await other.engine.secureHost()
  expect(await reach(sandbox, mirror.address, mirror.port)).toContain('mirror')
  await using foreign = await other.sandbox()
  expect(await reach(foreign, mirror.address, mirror.port)).toBe('refused')
  await allowing([])
  expect(await reach(sandbox, mirror.address, mirror.port)).toBe('refused')
})

it('a private network stays closed while Docker makes other networks and changes its rules', async () => {
  await using mirror = await privateMachine()
  await using sandbox = await server.sandbox()
  const knocking = shell(sandbox, `perl -MIO::Socket::INET -e '${knockUntilEnough(mirror.address, mirror.port)}'`)
  for (let made = 0; made < 8; made++) {
    const network = await docker('network', 'create', `${server.serverId}-${made}`)
    await docker('network', 'rm', network)
  }
  await letGo(sandbox.id, '/tmp/enough')
  expect((await knocking).output).toMatch(/^knocked \d{3,} times, let in 0 times$/)
})

/** Perl that begins connections without waiting for the answer, until there is a file /tmp/enough; then says how many there were. */
function knockUntilEnough(address: string, port: number): string {
  const knock = `IO::Socket::INET->new(PeerAddr => "${address}", PeerPort => ${port}, Blocking => 0)`
  return `
    until (-e "/tmp/enough") {
      $knocks += 10;
      push @open, grep { $_ } map { ${knock} } 1..10;
      select(undef, undef, undef, 0.02);
      $in += grep { $_->connected } splice(@open, 0, 10) if @open > 200;
    }
    $in += grep { $_->connected } @open;
    printf "knocked %d times, let in %d times", $knocks, $in`
}

describe('the table of connections, which all of the host shares,', () => {
  // Some kernels do not show it.
  const table = () => readFile('/proc/net/nf_conntrack', 'utf8').catch(() => '')

  it('has nothing of a sender that is not on its own network, and nor has anybody else', async () => {
    await using mirror = await privateMachine()
    await server.connect({ network: { firewall: true, allow: [`${mirror.address}/32`], host: [] } }).secureHost()
    const listening = spawn(
      ...mirror.inside(`use IO::Socket::INET; $| = 1; print "up\\n";
      $u = IO::Socket::INET->new(Proto => "udp", LocalPort => 9) or die;
      until ($b eq "end") { $u->recv($b, 9); print $u->peerhost, " says $b\\n" }`),
    )
    await once(listening.stdout, 'data')
    const heard = text(listening.stdout)
    // Only a container of this test has the right to write its own packets: none of ours has.
    const network = networkName(server.serverId, server.appId, 'build')
    await using sandbox = await server.sandbox()
    const gateway = await gatewayOf(sandbox.id)
    const forge = forging(mirror.address, ['203.0.113.7', gateway, '127.0.0.1'])
    await docker(
      'run',
      '--rm',
      '--user=0',
      '--cap-add=NET_RAW',
      `--network=${network}`,
      server.image,
      'perl',
      '-e',
      forge,
    )
    expect(await heard).toMatch(/^\S+ says begin\n\S+ says end\n$/)
    expect(await table()).not.toContain('203.0.113.7')
    await server.engine.secureHost()
  })

  it('has at most a part of its entries for one app, and none for what the app says to itself', async () => {
    await using mirror = await privateMachine()
    const network = { firewall: true, allow: [`${mirror.address}/32`], host: [] }
    const servers = [
      server.connect({ network }),
      server.connect({ network: { ...network, nameServers: ['192.0.2.1'] } }),
    ]
    for (const each of servers) await each.secureHost()
    const most = Math.max(1024, Number(await readFile('/proc/sys/net/netfilter/nf_conntrack_max', 'utf8')) / 64)
    const [first, second] = [await server.dyno('sleep 1000'), await server.dyno('sleep 1000', { name: 'web.2' })]
    const connecting = run('docker', [
      'exec',
      first.id,
      'perl',
      '-MIO::Socket::INET',
      '-e',
      `
      $u = IO::Socket::INET->new(Proto => "udp");
      $u->send("x", 0, pack_sockaddr_in($_, inet_aton("${second.address}"))) for 1..2000;
      push @open, IO::Socket::INET->new(PeerAddr => "${mirror.address}", PeerPort => 80, Blocking => 0) for 1..${most + 100};
      select(undef, undef, undef, 1);
      print scalar grep { $_ && $_->connected } @open`,
    ])
    // As servers of this engine do when they start, and for apps: what is counted stays so, and nothing passes uncounted.
    for (let ended = false; !ended;) {
      for (const each of servers) await each.secureHost()
      const network = `paas-test-${newId<AppId>()}`
      await run('docker', ['network', 'create', network])
      await run('docker', ['network', 'rm', network])
      ended = await Promise.race([connecting.then(() => true), delay(100, false)])
    }
    const { stdout } = await connecting
    expect(Number(stdout)).toBeGreaterThan(500)
    expect(Number(stdout)).toBeLessThanOrEqual(most)
    expect((await table()).match(RegExp(`src=${first.address} dst=${second.address} `, 'g')) ?? []).toHaveLength(0)
    await using other = await server.sandbox({ appId: newId<AppId>() })
    expect(await reach(other, mirror.address, mirror.port)).toContain('mirror')
    await server.engine.secureHost()
  })
})

/** Perl that sends datagrams to port 9 of an address: `begin`, one from each false sender, `end`. */
function forging(address: string, senders: string[]): string {
  return `use Socket; $there = pack_sockaddr_in(9, inet_aton("${address}"));
    socket($honest, AF_INET, SOCK_DGRAM, 0) or die $!; socket($raw, AF_INET, SOCK_RAW, 255) or die $!;
    send($honest, "begin", 0, $there);
    for (qw(${senders.join(' ')})) {
      $udp = pack("nnnn", 9, 9, 14, 0) . "forged";
      $ip = pack("CCnnnCCna4a4", 0x45, 0, 34, 0, 0, 64, 17, 0, inet_aton($_), inet_aton("${address}"));
      send($raw, $ip . $udp, 0, $there) or warn "$_: $!"
    }
    select(undef, undef, undef, 0.2); send($honest, "end", 0, $there)`
}

it('the public port of the server is reached by its own apps once it has a domain, and by nobody else’s', async () => {
  const published = server.connect({
    network: { firewall: true, allow: [], host: [] },
    domain: 'paas.example',
    httpPort: hostPort,
  })
  await published.secureHost()
  await using sandbox = await server.sandbox()
  const gateway = await gatewayOf(sandbox.id)
  expect(await reach(sandbox, gateway, hostPort)).toContain('the host')
  await using other = await testEngine()
  await using foreign = await other.sandbox()
  expect(await reach(foreign, gateway, hostPort)).toBe('refused')
  await server.engine.secureHost()
  expect(await reach(sandbox, gateway, hostPort)).toBe('refused')
})

it('a port of the host that the settings open is reached by builds and dynos, by name too, and no other one is', async () => {
  await using other = await testEngine()
  await other.engine.secureHost()
  await using foreign = await other.sandbox()
  await using opened = await server.opening([{ port: hostPort }])
  expect(await reach(opened.sandbox, 'host.docker.internal', hostPort)).toContain('the host')
  expect(await fromDyno(opened.dyno.id, `: </dev/tcp/host.docker.internal/${hostPort}`)).toBe('exit 0\n')
  expect(await reach(opened.sandbox, await gatewayOf(opened.sandbox.id), hostPort)).toContain('the host')
  const closed = createServer().listen(0, '0.0.0.0')
  await once(closed, 'listening')
  expect(await reach(opened.sandbox, 'host.docker.internal', (closed.address() as AddressInfo).port)).toBe('refused')
  closed.close()
  expect(await reach(foreign, await gatewayOf(foreign.id), hostPort)).toBe('refused')
  await server.engine.secureHost()
  expect(await reach(opened.sandbox, 'host.docker.internal', hostPort)).toBe('refused')
})

it('a port of the host can be opened at one of its addresses alone', async () => {
  // Not from networkInterfaces(), which leaves a bridge out that nothing is on.
  const { stdout } = await run('ip', ['-4', '-json', 'addr', 'show', 'docker0'])
  const [docker0] = JSON.parse(stdout) as { addr_info: { local: string }[] }[]
  await using opened = await server.opening([{ address: docker0?.addr_info[0]?.local ?? '', port: hostPort }])
  expect(await reach(opened.sandbox, 'host.docker.internal', hostPort)).toContain('the host')
  expect(await reach(opened.sandbox, await gatewayOf(opened.sandbox.id), hostPort)).toBe('refused')
  await server.engine.secureHost()
})

it('a firewall that is turned off closes nothing to its server any more, and stays for the others', async () => {
  await using mirror = await privateMachine()
  await using sandbox = await server.sandbox()
  await using other = await testEngine()
  await using foreign = await other.sandbox()
  for (const { engine } of [server, other]) await engine.secureHost()
  const gateway = await gatewayOf(sandbox.id)
  expect(await reach(sandbox, gateway, hostPort)).toBe('refused')
  await server.connect({ network: { firewall: false, allow: [], host: [] } }).secureHost()
  expect(await reach(sandbox, gateway, hostPort)).toContain('the host')
  expect(await reach(sandbox, mirror.address, mirror.port)).toContain('mirror')
  expect(await reach(foreign, await gatewayOf(foreign.id), hostPort)).toBe('refused')
  expect(await reach(foreign, mirror.address, mirror.port)).toBe('refused')
  await server.engine.secureHost()
  expect(await reach(sandbox, gateway, hostPort)).toBe('refused')
  expect(await reach(sandbox, mirror.address, mirror.port)).toBe('refused')
})

/** Another machine on a private network that only this host is on: a network namespace with a listener in it. */
async function privateMachine() {
  const number = randomInt(256)
  const name = `fwtest${number}`
  const [gateway, address] = [`192.168.${number}.1`, `192.168.${number}.2`]
  const ip = (...argv: string[]) => run('ip', argv)
  await ip('netns', 'add', name)
  await ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
  await ip('addr', 'add', `${gateway}/24`, 'dev', name)
  await ip('link', 'set', name, 'up')
  await ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
  await ip('-n', name, 'link', 'set', 'eth0', 'up')
  await ip('-n', name, 'route', 'add', 'default', 'via', gateway)
  const serve = `require('node:http').createServer((_, r) => r.end('mirror')).listen(80, () => console.log('up'))`
  const child = spawn('nsenter', [`--net=/run/netns/${name}`, process.execPath, '-e', serve])
  await once(child.stdout, 'data')
  return {
    address,
    port: 80,
    /** How to run a program of perl there. */
    inside: (script: string): [string, string[]] => ['nsenter', [`--net=/run/netns/${name}`, 'perl', '-e', script]],
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await once(child, 'exit')
      await ip('netns', 'delete', name)
    },
  }
}

it.runIf(process.geteuid?.() === 0)('a server that may not set the rules says so, and how to go on', async () => {
  process.seteuid?.(65_534)
  try {
    await expect(server.engine.secureHost()).rejects.toMatchObject({
      code: 'host_not_secured',
      message: expect.stringContaining('keeps apps from this host could not be set'),
      hint: expect.stringContaining('PAAS_FIREWALL=off'),
    })
  } finally {
    process.seteuid?.(0)
  }
})

it('a server told to leave the firewall alone does', async () => {
  process.seteuid?.(65_534)
  try {
    await expect(
      server.connect({ network: { firewall: false, allow: [], host: [] } }).secureHost(),
    ).resolves.toBeUndefined()
  } finally {
    process.seteuid?.(0)
  }
})

describe('name servers', () => {
  it('are read from resolv.conf without those that only the host can ask', () => {
    const file =
      '# nameserver 1.1.1.1\nnameserver 10.1.2.3\n  nameserver 192.0.2.1\nnameserver 127.0.0.53\nnameserver fd00::1\nsearch x\n'
    expect(parseResolvers(file)).toEqual(['10.1.2.3', '192.0.2.1'])
  })
})
