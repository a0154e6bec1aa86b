import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { proveByDns } from '../../src/certificates/prove-by-dns.ts'
import { hookSetter } from '../../src/certificates/records/hook.ts'
import { createLog } from '../../src/log.ts'

it('a record that was set by a program that then fails is taken away again', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'paas-records-'))
  try {
    const program = join(directory, 'records')
    const said = join(directory, 'said')
    writeFileSync(program, `#!/bin/sh\necho "$@" >>${said}\n[ "$1" = unset ]\n`, { mode: 0o755 })
    const proof = proveByDns(
      {
        dns: { alias: async () => undefined, texts: async () => [] },
        records: hookSetter(program),
        log: createLog('test', 'silent'),
        signal: AbortSignal.timeout(10_000),
      },
      [{ type: 'dns-01', name: 'shop.test', token: 'token', value: 'proof', identity: undefined }],
    )
    await expect(proof).rejects.toThrow('failed to set _acme-challenge.shop.test')
    expect(readFileSync(said, 'utf8')).toBe(
      'set _acme-challenge.shop.test proof\nunset _acme-challenge.shop.test proof\n',
    )
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
