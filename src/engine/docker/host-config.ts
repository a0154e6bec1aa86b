import type Docker from 'dockerode'
import type { Network } from '../../config.ts'
import { tenant } from '../../model/app-user.ts'
import type { Limits } from '../engine.ts'
import { builderSeccompProfile, hastyBuilderSeccompProfile, seccompProfile } from './seccomp.ts'

export const tenantUser = `${tenant.uid}:${tenant.gid}`

/** What apt-get and dpkg need as root, and nothing that reaches the host (capabilities(7)). */
const packageCapabilities = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETFCAP',
  'SETGID',
  'SETUID',
  'SYS_CHROOT',
]

/**
 * Output that nobody fetched in time is dropped, never kept without bound: 40 to 50 MB of each
 * dyno, some 250,000 lines of 100 bytes.
 */
const logConfig = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } }

/**
 * What confines every container: no capabilities, no way to gain any, a filter of system calls, and
 * limits. Swap is part of the memory limit. `Init` makes a real init process 1, which reaps
 * whatever is left to it.
 */
export function confined(limits: Limits): Docker.HostConfig & { CgroupnsMode: string } {
  const memory = limits.memoryMiB * 2 ** 20
  return {
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true', `seccomp=${seccompProfile}`],
    Privileged: false,
    Init: true,
    IpcMode: 'private',
    CgroupnsMode: 'private',
    Memory: memory,
    MemorySwap: memory,
    ShmSize: sharedMemory(memory),
    NanoCpus: Math.round(limits.cpus * 1e9),
    PidsLimit: limits.pids,
    Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
    LogConfig: logConfig,
  }
}

/**
 * A name for this machine, at the address of Docker's own bridge, for containers that may reach
 * some port of it.
 */
export function hostNames({ host }: Network): Pick<Docker.HostConfig, 'ExtraHosts'> {
  return host.length === 0 ? {} : { ExtraHosts: ['host.docker.internal:host-gateway'] }
}

/** An address without a host (RFC 5737); the firewall refuses queries to it at once. */
const noServer = '192.0.2.53'

/**
 * Whom tenants ask about names outside their network, and no domain of this machine to complete
 * them with. Without a server to answer, whoever asks is to give up soon.
 */
export function nameServers({ nameServers: servers }: Network): Docker.HostConfig {
  if (servers === undefined) return {}
  if (servers.length > 0) return { Dns: servers, DnsSearch: ['.'] }
  return { Dns: [noServer], DnsSearch: ['.'], DnsOptions: ['timeout:1', 'attempts:1'] }
}

/**
 * Size of /dev/shm, bytes: half of the memory, as Linux gives a tmpfs (tmpfs(5)). What is written
 * there counts as memory.
 */
function sharedMemory(memory: number): number {
  return Math.floor(memory / 2)
}

/** For containers that make our stack images from Debian's packages. */
export function trusted(limits: Limits): Docker.HostConfig {
  return { ...confined(limits), CapAdd: packageCapabilities }
}

/**
 * For a builder that makes a user namespace: two programs of its image give it the ids in there,
 * and need these capabilities in their files, which "no new privileges" would take away. AppArmor's
 * profile of Docker forbids all mounts.
 * @param keeps whether what it writes has to be there after the machine went down
 */
export function rootless(limits: Limits, keeps: boolean): Docker.HostConfig {
  return {
    ...confined(limits),
    CapAdd: ['SETUID', 'SETGID'],
    SecurityOpt: [`seccomp=${keeps ? builderSeccompProfile : hastyBuilderSeccompProfile}`, 'apparmor=unconfined'],
  }
}
