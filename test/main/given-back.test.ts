import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { leaveProgram, programMappings } from '../../src/main/given-back.ts'

it('a process leaves what of its program it does not use, and goes on', () => {
  const before = kibibytesOfFiles()
  leaveProgram()
  expect(kibibytesOfFiles()).toBeLessThan(before - 10 * 1024)
  expect(
    createHash('sha256')
      .update(JSON.stringify({ works: [/^still$/u.test('still')] }))
      .digest('hex'),
  ).toMatch(/^[\da-f]{64}$/)
})

it('what the linker or anybody else wrote, and what another file has, is never left', () => {
  const kept = [
    mapping('6b52000-6b56000 r--p 06751000', { Anonymous: 16 }),
    mapping('6b56000-6b7d000 rw-p 06755000'),
    mapping('7c00000-7c10000 r-xp 00000000', { Swap: 4 }),
    mapping('7d00000-7d10000 r--s 00000000'),
    mapping('7e00000-7e10000 r-xp 00000000', {}, '/usr/lib/libc.so.6'),
    mapping('7f00000-7f10000 r--p 00000000', {}, ''),
  ]
  expect(programMappings(kept.join(''), '/srv/node')).toEqual([])
  const left = mapping('0074a000-03044000 r-xp 0034a000')
  expect(programMappings(`${kept.join('')}${left}`, '/srv/node')).toEqual([{ from: 0x74a000n, length: 0x28fa000n }])
})

it('all that is left of this process is as it is in the file', () => {
  const smaps = readFileSync('/proc/self/smaps', 'latin1')
  const left = programMappings(smaps)
  expect(left.length).toBeGreaterThan(1)
  for (const { from } of left) expect(smaps).toMatch(new RegExp(`^0*${from.toString(16)}-\\S+ r-[x-]p `, 'm'))
})

/** As in proc_pid_smaps(5), with what counts here. */
function mapping(range: string, kibibytes: { Anonymous?: number; Swap?: number } = {}, path = '/srv/node'): string {
  const { Anonymous = 0, Swap = 0 } = kibibytes
  return `${range} fd:00 4711                           ${path}\nRss: 64 kB\nAnonymous:   ${Anonymous} kB\nSwap:     ${Swap} kB\nVmFlags: rd mr mw me\n`
}

function kibibytesOfFiles(): number {
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1])
}
