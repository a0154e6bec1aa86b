import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'
import type { AppId } from '../../src/model/ids.ts'
import type { TestApp } from '../../test/helpers/app.ts'

const run = promisify(execFile)

/** The one dyno of an app: what its control group has used. */
export type RunningDyno = { cpuSeconds(): Promise<number>; memoryMiB(): Promise<number> }

/** @param serverId of the server that runs it */
export async function findDyno(serverId: string, app: TestApp): Promise<RunningDyno> {
  const engine = connectDocker({ docker: loadConfig().docker, serverId, log: createLog('bench', 'silent') })
  const { id: appId } = (await app.api<{ id: AppId }>('GET', '')).body
  const [dyno] = (await engine.listDynos({ appId })).filter(({ state }) => state.kind === 'running')
  if (dyno === undefined) throw new Error(`${app.name} has no dyno`)
  const { stdout: pid } = await run('docker', ['inspect', '--format={{.State.Pid}}', dyno.id])
  const cpuFile = await cpuAccount(pid.trim())
  return {
    cpuSeconds: async () => secondsIn(await readFile(cpuFile, 'utf8')),
    // As `paas metrics` has it; the engine's answer takes up to a second.
    memoryMiB: async () => ((await engine.dynoUsage(dyno.id))?.memoryBytes ?? NaN) / 2 ** 20,
  }
}

/** Where the kernel counts a process's group: cgroups(7), version 1 or 2. */
async function cpuAccount(pid: string): Promise<string> {
  const groups = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).trim().split('\n')
  const v1 = groups.find((line) => line.split(':')[1]?.split(',').includes('cpuacct'))
  if (v1 !== undefined) return `/sys/fs/cgroup/cpuacct${v1.split(':')[2]}/cpuacct.usage`
  return `/sys/fs/cgroup${groups.find((line) => line.startsWith('0::'))?.slice('0::'.length)}/cpu.stat`
}

/** One number of nanoseconds, or lines of which one has microseconds. */
function secondsIn(account: string): number {
  const microseconds = /^usage_usec (\d+)/.exec(account)?.[1]
  return microseconds === undefined ? Number(account) / 1e9 : Number(microseconds) / 1e6
}
