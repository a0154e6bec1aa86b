import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { becomeCopy, openDataDirectory } from '../../src/data-directory.ts'
import { holdServerId, refuseHeldId } from '../../src/server-id.ts'

let place: string
let original: string
let copy: string
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'paas-server-id-'))
  original = join(place, 'original')
  copy = join(place, 'copy')
  identify(original)
  cpSync(original, copy, { recursive: true })
})
afterEach(() => rmSync(place, { recursive: true, force: true }))

const configOf = (dataDirectory: string) => loadConfig({ PAAS_DATA: dataDirectory })
const identify = (dataDirectory: string) => ({ dataDirectory, ...openDataDirectory(configOf(dataDirectory)) })

describe('a server id', () => {
  it('is held by one server, and the one on a copy is told by whom', async () => {
    await using _held = await holdServerId(identify(original))
    const refusal = expect.objectContaining({
      code: 'server_id_in_use',
      message: expect.stringContaining(`${original} (pid ${process.pid} on ${hostname()})`) as string,
    })
    await expect(holdServerId(identify(copy))).rejects.toEqual(refusal)
    await expect(refuseHeldId(identify(copy))).rejects.toEqual(refusal)
  })

  it('is not refused to what belongs to the holder, even after its directory was moved', async () => {
    await using _held = await holdServerId(identify(original))
    const moved = join(place, 'moved')
    renameSync(original, moved)
    await expect(refuseHeldId(identify(moved))).resolves.toBeUndefined()
  })

  it('is free as soon as its holder was killed', async () => {
    const holder = await startHolder()
    await expect(holdServerId(identify(copy))).rejects.toThrow(`pid ${holder.pid} `)
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await using held = await holdServerId(identify(copy))
    expect(held).toBeDefined()
  })

  it('of a holder that hangs is refused all the same', async () => {
    const holder = await startHolder()
    holder.kill('SIGSTOP')
    await expect(holdServerId(identify(copy))).rejects.toMatchObject({ code: 'server_id_in_use' })
    holder.kill('SIGKILL')
    await once(holder, 'exit')
  })

  it('is a new one in a directory that becomes a copy, once, and nothing there leads to the dynos of the original', () => {
    for (const table of ['routes.json', 'router/routes.json']) writeFileSync(join(copy, table), '{}')
    writeFileSync(join(copy, 'redis/dump.rdb'), '')
    const { serverId } = identify(original)
    expect(becomeCopy(configOf(copy))).toBe(true)
    const own = identify(copy).serverId
    expect(own).not.toBe(serverId)
    for (const table of ['routes.json', 'router/routes.json'])
      expect(() => readFileSync(join(copy, table))).toThrow('ENOENT')
    expect(() => readFileSync(join(copy, 'redis/dump.rdb'))).toThrow('ENOENT')
    expect(becomeCopy(configOf(copy))).toBe(false)
    expect(identify(copy).serverId).toBe(own)
  })

  it('stays in a directory that is no copy', () => {
    const { serverId } = identify(original)
    expect(becomeCopy(configOf(original))).toBe(false)
    expect(identify(original).serverId).toBe(serverId)
  })
})

async function startHolder() {
  const script = resolve(import.meta.dirname, 'hold-server-id.ts')
  const holder = spawn(process.execPath, [script], {
    env: { PATH: process.env['PATH'], PAAS_DATA: original },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  return holder
}
