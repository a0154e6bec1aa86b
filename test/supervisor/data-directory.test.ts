import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'

let place: string
let data: string
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'paas-data-directory-'))
  data = join(place, 'deep/er/data')
})
afterEach(() => rmSync(place, { recursive: true, force: true }))

const open = () => openDataDirectory(loadConfig({ PAAS_DATA: data }))

describe('a data directory', () => {
  it('is made with an identity that stays', () => {
    const { serverId } = open()
    expect(serverId).toMatch(/^[0-9a-f]{12}$/)
    expect(open()).toEqual({ serverId })
  })

  it('may be entered by its owner only, also when it was there before', () => {
    mkdirSync(data, { recursive: true, mode: 0o755 })
    open()
    for (const path of [data, join(data, 'run'), join(data, 'redis')]) expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  it('may be the root of a disk', () => {
    mkdirSync(join(data, 'lost+found'), { recursive: true })
    expect(open().serverId).toBeDefined()
  })

  it('has one identity even when many processes make it at once', async () => {
    const script = resolve(import.meta.dirname, 'open-data-directory.ts')
    const ids = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const child = spawn(process.execPath, [script], {
          env: { PAAS_DATA: data },
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        const [id] = await Promise.all([text(child.stdout), once(child, 'close')])
        return id
      }),
    )
    expect(new Set(ids)).toEqual(new Set([open().serverId]))
    expect(readdirSync(data).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('of somebody else is refused and left as it was', () => {
    mkdirSync(data, { recursive: true })
    writeFileSync(join(data, 'thesis.txt'), 'do not touch')
    expect(open).toThrow(
      expect.objectContaining({
        code: 'data_directory_foreign',
        message: expect.stringContaining('thesis.txt') as string,
      }),
    )
    expect(readdirSync(data)).toEqual(['thesis.txt'])
  })

  it.each(['', 'not json', '[]', '{"format":1}', '{"format":"1","serverId":"0123456789ab"}', 'null'])(
    'whose paas.json is %j is refused',
    (content) => {
      mkdirSync(data, { recursive: true })
      writeFileSync(join(data, 'paas.json'), content)
      expect(open).toThrow(expect.objectContaining({ code: 'data_directory_foreign' }))
      expect(readFileSync(join(data, 'paas.json'), 'utf8')).toBe(content)
    },
  )

  it('of a newer version is refused, with both formats named', () => {
    mkdirSync(data, { recursive: true })
    writeFileSync(join(data, 'paas.json'), '{"format":7,"serverId":"0123456789ab"}')
    expect(open).toThrow(
      expect.objectContaining({
        code: 'data_directory_newer',
        message: expect.stringMatching(/format 7.*up to 1/) as string,
      }),
    )
    expect(readdirSync(data)).toEqual(['paas.json'])
  })

  it('that is a file is refused', () => {
    mkdirSync(join(place, 'deep'))
    writeFileSync(join(place, 'deep/er'), '')
    expect(open).toThrow(expect.objectContaining({ code: 'data_directory_unusable' }))
  })

  it('on a disk that nothing can be made on is refused', () => {
    data = '/sys/paas'
    expect(open).toThrow(expect.objectContaining({ code: 'data_directory_unusable' }))
  })

  it.skipIf(!canMount)(
    'that exists on a disk mounted read-only is refused in words, and opened once it can be written',
    () => {
      using disk = new SmallDisk({ mebibytes: 8, inodes: 100 })
      data = disk.path
      const first = open()
      disk.remount('ro')
      const message = expect.not.stringMatching(/EROFS/) as string
      expect(open).toThrow(expect.objectContaining({ code: 'data_directory_unusable', message }))
      expect(open).toThrow(/mounted read-only/)
      disk.remount('rw')
      expect(open()).toEqual(first)
    },
  )
})
