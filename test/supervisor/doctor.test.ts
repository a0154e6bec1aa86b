import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { readFindings } from '../../src/doctor/saved.ts'
import { examineRegularly } from '../../src/supervisor/doctor.ts'

it('the server looks at its machine again and again, and leaves what it found for the API', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'paas-looks-'))
  const path = join(directory, 'findings.json')
  const env = { ...process.env, PAAS_DATA: directory }
  const options = {
    config: { settingsFile: undefined },
    rolesDirectory: resolve(import.meta.dirname, '../../src/main'),
    env,
  }
  {
    using _looks = examineRegularly(options, { fd: 2 }, { first: 0, interval: 5_000 })
    await expect.poll(() => existsSync(path)).toBe(true)
    const before = await readFindings(path)
    expect(before?.findings.map(({ name }) => name)).toContain('disk')
    await expect.poll(async () => (await readFindings(path))?.checkedAt).toBeGreaterThan(before?.checkedAt ?? Infinity)
  }
  rmSync(directory, { recursive: true })
})
