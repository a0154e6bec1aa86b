import { expect, it } from 'vitest'
import { createLog } from '../../src/log.ts'
import { dynoSizes } from '../../src/model/formation.ts'
import { tellLacks } from '../../src/worker/machine-lacks.ts'

/** What the operator is told at the start on such a machine. */
async function notesOn(machine: { cpus: number; memoryMiB: number } | undefined): Promise<string[]> {
  const notes: string[] = []
  const engine = { machine: () => (machine ? Promise.resolve(machine) : Promise.reject(new Error('away'))) }
  const build = { cpus: 2, memoryMiB: 2048 }
  await tellLacks({ engine, build, dynoSizes, log: createLog('test', 'silent') }, (text) => void notes.push(text))
  return notes
}

it.each([
  [
    { cpus: 1, memoryMiB: 4096 },
    'builds would have 2 processors (this machine has 1); they get all that the machine has',
  ],
  [{ cpus: 2, memoryMiB: 990 }, 'builds would have 2048 MB of memory (this machine has 990); they get all'],
  [{ cpus: 1, memoryMiB: 990 }, '2 processors (this machine has 1) and 2048 MB of memory (this machine has 990)'],
])('on %o the operator is told at the start what builds get', async (machine, told) => {
  expect(await notesOn(machine)).toEqual([expect.stringContaining(told)])
})

it('a machine that has it all, and an engine that is away, are no news', async () => {
  expect(await notesOn({ cpus: 2, memoryMiB: 2048 })).toEqual([])
  expect(await notesOn(undefined)).toEqual([])
})
