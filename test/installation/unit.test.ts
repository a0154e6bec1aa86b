import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { formatUnit } from '../../src/installation/unit.ts'

const directory = mkdtempSync(join(tmpdir(), 'paas-unit-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

it('names node itself, lets the router outlive a restart, and begins again whatever happened', () => {
  const unit = formatUnit({ checkout: '/srv/paas', settings: '/etc/paas/settings.env' })
  expect(unit).toContain('\nExecStart=/srv/paas/node_modules/.bin/node dist/server.js\n')
  expect(unit).toContain('\nEnvironment=PAAS_SETTINGS=/etc/paas/settings.env\n')
  for (const line of ['KillMode=process', 'Restart=always', 'StartLimitIntervalSec=0'])
    expect(unit).toContain(`\n${line}\n`)
})

it.each(['plain', 'with a blank', 'with % and ~'])('is right for systemd where the clone is at %j', (name) => {
  const checkout = join(directory, name)
  mkdirSync(join(checkout, 'node_modules/.bin'), { recursive: true })
  symlinkSync(process.execPath, join(checkout, 'node_modules/.bin/node'))
  const path = join(checkout, 'paas.service')
  writeFileSync(path, formatUnit({ checkout, settings: '/etc/paas/settings.env' }))
  const program = '/usr/bin/systemd-analyze'
  const said = existsSync(program)
    ? execFileSync(program, ['verify', '--man=no', path], { encoding: 'utf8', stdio: 'pipe' })
    : ''
  expect(said).toBe('')
})

it.each(['a"quote', '$HOME', 'a\nline', 'back\\slash', 'é'])('refuses a clone at %j', (name) => {
  expect(() => formatUnit({ checkout: `/srv/${name}`, settings: '/etc/paas/settings.env' })).toThrow(
    /systemd runs nothing in/,
  )
})
