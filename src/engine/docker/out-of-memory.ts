import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { runExec } from './exec.ts'

type Event = { Action: string; Actor: { ID: string; Attributes: Record<string, string> } }

/**
 * How long after the end of a container the engine may tell that it was killed for memory, in
 * milliseconds: it hears of the two by separate ways, an end by SIGCHLD and this by a notification
 * of the memory cgroup (cgroups(7)), and passes them on as they come.
 */
const lagMs = 500

/** 128 + SIGKILL: how the kernel ends a process for memory. */
const killed = 137

/**
 * The same events, with a kill for memory before the end that it led to: an end by SIGKILL waits
 * `lagMs` for it. What is told of the container meanwhile comes after its end, as it happened.
 */
export async function* outOfMemoryFirst<E extends Event>(events: AsyncIterator<E>): AsyncGenerator<E> {
  const ends = new Map<string, { event: E; until: number }>()
  let next = events.next()
  for (;;) {
    const [oldest] = ends.values()
    const result = await (oldest ? Promise.race([next, delay(oldest.until - performance.now())]) : next)
    if (result?.done) break
    const event = result?.value
    if (event?.Action === 'oom') yield event
    const end = event ? ends.get(event.Actor.ID) : oldest
    if (end && ends.delete(end.event.Actor.ID)) yield end.event
    if (event && isKill(event)) ends.set(event.Actor.ID, { event, until: performance.now() + lagMs })
    else if (event && event.Action !== 'oom') yield event
    if (event) next = events.next()
  }
  for (const { event } of ends.values()) yield event
}

function isKill({ Action, Actor }: Event): boolean {
  return Action === 'die' && Actor.Attributes['exitCode'] === String(killed)
}

/** What the engine says of a container; of one that ended, when it knows whether for memory. */
export async function inspectEnd(container: Docker.Container): Promise<Docker.ContainerInspectInfo> {
  const until = performance.now() + lagMs
  for (;;) {
    const info = await container.inspect()
    if (info.State.ExitCode !== killed || info.State.OOMKilled || performance.now() > until) return info
    await delay(lagMs / 10)
  }
}

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
