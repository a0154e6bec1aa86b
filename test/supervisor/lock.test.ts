import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockFile, readLock } from '../../src/lock.ts'
import { childrenOf } from '../helpers/processes.ts'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'paas-lock-'))
  path = join(directory, 'lock')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('a lock', () => {
  it('is held by one at a time, who says who it is', async () => {
    {
      using first = await lockFile(path)
      first?.describe('somebody with a long name')
      first?.describe('me')
      expect(await lockFile(path)).toBeUndefined()
      expect(readLock(path)).toBe('me')
    }
    using second = await lockFile(path)
    expect(second).toBeDefined()
  })

  it('is free as soon as its holder was killed', async () => {
    const holder = await startHolder()
    expect(await lockFile(path)).toBeUndefined()
    expect(readLock(path)).toBe(String(holder.pid))
    const waiting = lockFile(path, { wait: AbortSignal.timeout(20_000) })
    holder.kill('SIGKILL')
    using lock = await waiting
    expect(lock).toBeDefined()
  })

  it('is not waited for longer than the signal says, and no waiting process is left', async () => {
    using _held = await lockFile(path)
    const patience = new AbortController()
    const waiting = lockFile(path, { wait: patience.signal })
    await expect.poll(() => childrenOf(process.pid)).toHaveLength(1)
    patience.abort()
    expect(await waiting).toBeUndefined()
    expect(await lockFile(path, { wait: AbortSignal.abort() })).toBeUndefined()
    expect(childrenOf(process.pid)).toEqual([])
  })

  it('is held by a child that inherited it, when we let go', async () => {
    const lock = await lockFile(path)
    const child = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', lock?.fd] })
    await once(child, 'spawn')
    lock?.[Symbol.dispose]()
    expect(await lockFile(path)).toBeUndefined()
    child.kill('SIGKILL')
    await once(child, 'exit')
    using again = await lockFile(path, { wait: AbortSignal.timeout(5_000) })
    expect(again).toBeDefined()
  })
})

async function startHolder() {
  const script = resolve(import.meta.dirname, 'hold-lock.ts')
  const holder = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')
  return holder
}
