/** What the machine that runs builds and dynos has; memory in MiB. */
export type Machine = { cpus: number; memoryMiB: number }

/**
 * The limits, as far as the machine has that much: an engine refuses more processors than there
 * are, and more memory is none.
 */
export function within<T extends Machine>(limits: T, machine: Machine): T {
  const [cpus, memoryMiB] = [Math.min(limits.cpus, machine.cpus), Math.min(limits.memoryMiB, machine.memoryMiB)]
  return { ...limits, cpus, memoryMiB }
}

/**
 * What of the limits the machine does not have: `4 processors (this machine has 2)`; undefined when
 * it has it all.
 */
export function lackOf(limits: Machine, machine: Machine): string | undefined {
  const { cpus, memoryMiB } = limits
  const lacks = [
    cpus > machine.cpus ? `${count(cpus, 'processor')} (this machine has ${machine.cpus})` : '',
    memoryMiB > machine.memoryMiB ? `${memoryMiB} MB of memory (this machine has ${machine.memoryMiB})` : '',
  ]
  return lacks.filter(Boolean).join(' and ') || undefined
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
