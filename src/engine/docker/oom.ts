import type Docker from 'dockerode'
import { runExec } from './exec.ts'

/**
 * Where the kernel counts kills for memory: cgroup v2, then v1 (cgroup-v2.rst, "memory.events"; v1
 * "memory.oom_control").
 */
const counters = ['/sys/fs/cgroup/memory.events', '/sys/fs/cgroup/memory/memory.oom_control']

/**
 * How many processes of a running container the kernel has killed for memory; 0 where it cannot be
 * read.
 */
export async function oomKills(container: Docker.Container): Promise<number> {
  const output: Buffer[] = []
  await runExec(container, { argv: ['cat', ...counters] }, ({ stream, data }) => {
    if (stream === 'stdout') output.push(data)
  })
  return Number(/^oom_kill (\d+)$/m.exec(Buffer.concat(output).toString())?.[1] ?? 0)
}
