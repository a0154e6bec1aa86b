import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { PaasError } from '../../src/errors.ts'
import type { ServiceStream } from '../../src/engine/engine.ts'
import type { AddonId } from '../../src/model/ids.ts'
import { dumpWithFacts } from '../../src/services/dump-with-facts.ts'
import type { DumpDeps } from '../../src/services/dumps.ts'

const lost = new PaasError('engine_unavailable', 'The connection to Docker broke while a program ran.')
const never = new AbortController().signal

/** Of a snapshot whose program is lost once nobody holds it any more. */
async function* snapshot(input: PassThrough): AsyncGenerator<Buffer> {
  yield Buffer.from('00000003-1\n')
  await buffer(input)
  throw lost
}

function engineWhoseDump(code: number): DumpDeps['engine'] {
  const streamInService = async (_: string, { argv: [program] }: { argv: string[] }): Promise<ServiceStream> => {
    const input = new PassThrough()
    const name = program!.split('/').at(-1)!
    const output = name === 'snapshot' ? snapshot(input) : [Buffer.from(`${name} 1\n`)]
    const said = code === 0 ? '' : 'the pages are torn.'
    const ended = async () => ({ code: name === 'dump' ? code : 0, said })
    return { input, output: Readable.from(output, { objectMode: false }), ended }
  }
  const listServices = async () => [{ id: 'c', state: { kind: 'running' } }]
  return { listServices, streamInService } as unknown as DumpDeps['engine']
}

const dump = (engine: DumpDeps['engine']) =>
  dumpWithFacts(
    { engine },
    { addon: { id: 'one' as AddonId, name: 'shop' }, service: { scripts: ['dump', 'facts', 'snapshot'] } },
    { session: 'test', store: async (content) => (await buffer(content)).toString() },
    never,
  )

it('what becomes of a snapshot when its dump is over says nothing of that', async () => {
  expect(await dump(engineWhoseDump(0))).toEqual({ stored: 'dump 1\n', facts: ['facts 1'] })
  const torn = { code: 'dump_failed', message: expect.stringContaining('the pages are torn.') }
  await expect(dump(engineWhoseDump(1))).rejects.toMatchObject(torn)
})
