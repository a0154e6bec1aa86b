import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { flush, packet } from '../../src/git/pkt-line.ts'
import { startGitHost, type GitHost } from './git-host.ts'
import { rawRequest } from './raw-http.ts'

/** Packs that are small and ask for much. */

let host: GitHost
beforeAll(async () => {
  host = await startGitHost({ packBytes: 400 * 2 ** 20 })
})
afterAll(() => host?.[Symbol.asyncDispose]())

/** The head of an object in a pack: type and size (gitformat-pack(5)). */
function head(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)]
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1]! |= 128
    bytes.push(rest & 127)
  }
  return Buffer.from(bytes)
}

function varint(size: number): Buffer {
  const bytes = []
  for (let rest = size; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, Math.floor(size / 128 ** bytes.length)])
}

function pack(objects: Buffer[]): Buffer {
  const start = Buffer.from('5041434b00000002', 'hex')
  const count = Buffer.alloc(4)
  count.writeUInt32BE(objects.length)
  const body = Buffer.concat([start, count, ...objects])
  return Buffer.concat([body, createHash('sha1').update(body).digest()])
}

async function push(body: Buffer, app = host.newApp()) {
  const authorization = `Basic ${Buffer.from(`git:${host.owner.secret}`).toString('base64')}`
  const line = packet(`${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/main\0report-status side-band-64k`)
  return rawRequest(host.port, {
    method: 'POST',
    path: `/${app.name}.git/git-receive-pack`,
    headers: { authorization, 'content-type': 'application/x-git-receive-pack-request' },
    body: [Buffer.concat([line, flush, body])],
  })
}

describe('a pack', () => {
  it('whose delta of a few bytes makes gigabytes is refused before it has them', async () => {
    const base = Buffer.alloc(15 * 2 ** 20)
    const id = createHash('sha1').update(`blob ${base.length}\0`).update(base).digest()
    const copies = 600
    // Copy from offset 0 as many bytes as the base has: 0x80, and three bytes of size.
    const copyAll = Buffer.from([0xf0, 0, 0, 0xf0])
    const delta = Buffer.concat([
      varint(base.length),
      varint(base.length * copies),
      ...Array<Buffer>(copies).fill(copyAll),
    ])
    const bomb = pack([
      Buffer.concat([head(3, base.length), deflateSync(base)]),
      Buffer.concat([head(7, delta.length), id, deflateSync(delta)]),
    ])
    expect(bomb.length).toBeLessThan(100_000)
    const answer = await push(bomb)
    expect(answer.body.toString()).toContain(
      'ng refs/heads/main an object in the push needs more memory than the server allows',
    )
  })

  it('of a large file is as welcome as any', async () => {
    await using project = await host.newProject()
    await writeFile(join(project.repository.path, 'zeros'), Buffer.alloc(300 * 2 ** 20))
    await project.repository.commit('Large')
    const pushed = await project.repository.git('push', 'paas', 'main')
    expect(pushed.output).toContain('Built')
    expect(pushed.code).toBe(0)
  })
})
