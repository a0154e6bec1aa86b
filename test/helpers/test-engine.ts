import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './app.ts'

/**
 * A Docker Engine of the test's own, which may be killed and restarted without touching anybody else's: it runs in a
 * network namespace (so its bridges and iptables rules are apart) that reaches the outside through a veth pair and NAT.
 */
export class TestEngine implements AsyncDisposable {
  readonly dockerHost: string
  /** argv to put in front of a program that must share the engine's network. */
  readonly enter: string[]
  /** Where a listener inside the namespace is reached from outside. */
  readonly address: string
  readonly #directory: string
  readonly #network: Network
  #daemon: ChildProcess | undefined

  private constructor(directory: string, network: Network) {
    this.#directory = directory
    this.#network = network
    this.dockerHost = `unix://${directory}/docker.sock`
    this.enter = ['nsenter', `--net=/run/netns/${network.name}`]
    this.address = network.inside
  }

  static async start(): Promise<TestEngine> {
    const directory = await mkdtemp(join(tmpdir(), 'paas-engine-'))
    await chmod(directory, 0o755) // as /run is, where engines have their socket
    const engine = new TestEngine(directory, makeNetwork())
    await engine.startDaemon()
    return engine
  }

  /** Copies images, by reference, from the machine's engine. */
  copyImages(references: string[]): void {
    execFileSync(
      'bash',
      ['-c', 'docker save "${@:2}" | docker --host "$1" load --quiet', 'copy', this.dockerHost, ...references],
      { env: process.env },
    )
  }

  docker(...argv: string[]): string {
    return execFileSync('docker', ['--host', this.dockerHost, ...argv], { encoding: 'utf8', stdio: 'pipe' })
  }

  async startDaemon(): Promise<void> {
    const [program = '', ...prefix] = this.enter
    const directory = this.#directory
    const argv = [
      'dockerd',
      '--data-root',
      `${directory}/data`,
      '--exec-root',
      `${directory}/exec`,
      '--pidfile',
      this.#pidFile,
      '--host',
      this.dockerHost,
    ]
    this.#daemon = spawn(program, [...prefix, ...argv], { stdio: 'ignore', detached: true })
    await until('the engine answers', async () => this.#answers())
  }

  /** Ends the engine in order; its containers end with it, and come back as their restart policies say. */
  async stopDaemon(): Promise<void> {
    await this.#end('SIGTERM', [this.#pidFile])
  }

  /** Kills the engine alone: what it runs goes on until it is back, which ends it. */
  async killDaemon(): Promise<void> {
    // Its containerd goes with it: killed first, so that it is there to be killed.
    await this.#end('SIGKILL', [this.#containerdPidFile, this.#pidFile])
  }

  /** Kills the engine and all that it runs at once, as a power cut does. */
  async cutPower(): Promise<void> {
    const containers = this.docker('ps', '--quiet').split('\n').filter(Boolean)
    const pids = containers.flatMap((id) => this.#pidOf(id))
    await this.#end('SIGKILL', [this.#pidFile, this.#containerdPidFile])
    for (const pid of pids) process.kill(pid, 'SIGKILL')
  }

  /** None of a container that has just ended: its pid is 0, which for kill(2) is this process and all of its group. */
  #pidOf(container: string): number[] {
    try {
      const pid = Number(this.docker('inspect', '--format', '{{.State.Pid}}', container))
      return pid > 0 ? [pid] : []
    } catch (error) {
      if (/No such object/.test(String(error))) return []
      throw error
    }
  }

  async #end(signal: NodeJS.Signals, pidFiles: string[]): Promise<void> {
    const daemon = this.#daemon
    if (daemon === undefined) return
    this.#daemon = undefined
    const ended = new Promise((settle) => daemon.once('exit', settle))
    for (const file of pidFiles) process.kill(Number(readFileSync(file, 'utf8')), signal)
    await ended
    if (signal === 'SIGKILL') for (const file of pidFiles) await rm(file, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopDaemon()
    removeNetwork(this.#network)
    this.#unmount()
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** A power cut leaves the file systems of containers mounted. */
  #unmount(): void {
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
    for (const path of mounts.filter((mount) => mount.startsWith(`${this.#directory}/`)).toReversed()) {
      execFileSync('umount', ['--lazy', path])
    }
  }

  get #pidFile(): string {
    return `${this.#directory}/docker.pid`
  }

  get #containerdPidFile(): string {
    return `${this.#directory}/exec/containerd/containerd.pid`
  }

  #answers(): boolean {
    try {
      this.docker('version')
      return true
    } catch {
      return false // not yet: the caller's time limit decides
    }
  }
}

type Network = { name: string; outside: string; inside: string; subnet: string; outerLink: string }

/** 198.18.0.0/15 is set aside for tests of network devices (RFC 2544). */
function makeNetwork(): Network {
  const number = randomInt(0, 1 << 15) * 4
  const at = (offset: number): string =>
    `198.${18 + ((number + offset) >> 16)}.${((number + offset) >> 8) & 255}.${(number + offset) & 255}`
  const name = `pt${number.toString(36)}`
  const network = { name, outside: at(1), inside: at(2), subnet: `${at(0)}/30`, outerLink: `${name}o` }
  const inner = `${name}i`
  ip('netns', 'add', name)
  ip('link', 'add', network.outerLink, 'type', 'veth', 'peer', 'name', inner)
  ip('link', 'set', inner, 'netns', name)
  ip('addr', 'add', `${network.outside}/30`, 'dev', network.outerLink)
  ip('link', 'set', network.outerLink, 'up')
  ip('-n', name, 'link', 'set', 'lo', 'up')
  ip('-n', name, 'addr', 'add', `${network.inside}/30`, 'dev', inner)
  ip('-n', name, 'link', 'set', inner, 'up')
  ip('-n', name, 'route', 'add', 'default', 'via', network.outside)
  for (const rule of rulesOf(network)) iptables('-I', rule)
  return network
}

function removeNetwork(network: Network): void {
  for (const rule of rulesOf(network)) iptables('-D', rule)
  ip('netns', 'delete', network.name)
}

/** [table, chain, …match]: out through NAT, and nothing of Docker's own forwarding policy in the way. */
function rulesOf({ subnet, outerLink }: Network): string[][] {
  return [
    ['nat', 'POSTROUTING', '-s', subnet, '-j', 'MASQUERADE'],
    ['filter', 'FORWARD', '-i', outerLink, '-j', 'ACCEPT'],
    ['filter', 'FORWARD', '-o', outerLink, '-j', 'ACCEPT'],
  ]
}

function iptables(action: '-I' | '-D', [table = '', chain = '', ...match]: string[]): void {
  execFileSync('iptables', ['-w', '10', '-t', table, action, chain, ...match])
}

function ip(...argv: string[]): void {
  execFileSync('ip', argv)
}
