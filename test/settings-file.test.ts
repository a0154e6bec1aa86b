import { execFile } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { formatSettings, parseSettings, readSettingsFile, settingsFileOf } from '../src/settings-file.ts'

const run = promisify(execFile)
const directory = mkdtempSync(join(tmpdir(), 'paas-settings-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function file(text: string, mode = 0o600): string {
  const path = join(directory, `${Math.random()}.env`)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

describe('a settings file', () => {
  it('has a setting a line, as systemd reads them', () => {
    const text =
      '# about\n\n  PAAS_DOMAIN=paas.example.com \nPAAS_DATA="/srv/a b"\nREDIS_URL=\'redis://:$x@h\'\nE=\nQ="\n'
    expect(parseSettings(text)).toEqual({
      settings: { PAAS_DOMAIN: 'paas.example.com', PAAS_DATA: '/srv/a b', REDIS_URL: 'redis://:$x@h', E: '', Q: '"' },
      wrong: [],
    })
    expect(parseSettings(formatSettings({ A: '1', B: 'x=y' })).settings).toEqual({ A: '1', B: 'x=y' })
  })

  it('that others may read or write is refused, as is one of another user', () => {
    for (const mode of [0o640, 0o604, 0o620, 0o666]) {
      expect(() => readSettingsFile(file('A=1\n', mode))).toThrow(/is open to other users than its owner/)
    }
    if (process.getuid?.() !== 0) return
    const foreign = file('A=1\n')
    chownSync(foreign, 12_345, 0)
    expect(() => readSettingsFile(foreign)).toThrow(/belongs to another user/)
  })

  it('with a line that is no setting is refused, and the line is not told', () => {
    expect(() => readSettingsFile(file('A=1\nthe secret\nexport B=2\n'))).toThrow(/line 2, 3 of .* is not NAME=value/)
    expect(() => readSettingsFile(file('A=1\nthe secret\n'))).not.toThrow(/secret/)
  })

  it('that is not there is none', () => {
    expect(readSettingsFile(join(directory, 'none.env'))).toEqual({})
  })

  it('is named by PAAS_SETTINGS, which may say that there is none', () => {
    expect(settingsFileOf({})).toBe('/etc/paas/settings.env')
    expect(settingsFileOf({ PAAS_SETTINGS: '/srv/paas.env' })).toBe('/srv/paas.env')
    expect(settingsFileOf({ PAAS_SETTINGS: 'off' })).toBeUndefined()
    expect(() => settingsFileOf({ PAAS_SETTINGS: 'settings.env' })).toThrow(/must be an absolute path, or off/)
  })
})

describe('a process of the server', () => {
  /** What a process with these variables has for settings, and its environment afterwards. */
  async function load(env: Record<string, string>): Promise<Record<string, unknown>> {
    const source = `
      const { loadConfig } = await import(${JSON.stringify(resolve(import.meta.dirname, '../src/config.ts'))})
      const { domain, httpPort, settingsFile } = loadConfig()
      console.log(JSON.stringify({ domain, httpPort, settingsFile, env: process.env }))`
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', source], {
      env: { PATH: process.env['PATH'], ...env },
    })
    return JSON.parse(stdout) as Record<string, unknown>
  }

  it('takes the settings of the file, the environment’s before them, and hands all on', async () => {
    const path = file('PAAS_DOMAIN=paas.example.com\nPAAS_HTTP_PORT=80\nHTTPS_PROXY=http://proxy:3128\n')
    expect(await load({ PAAS_SETTINGS: path, PAAS_HTTP_PORT: '8081' })).toMatchObject({
      domain: 'paas.example.com',
      httpPort: 8081,
      settingsFile: path,
      env: { PAAS_DOMAIN: 'paas.example.com', HTTPS_PROXY: 'http://proxy:3128', PAAS_SETTINGS: 'off' },
    })
  })

  it('refuses a name that is no setting, with all that is wrong', async () => {
    const path = file('PAAS_DOMIAN=paas.example.com\nPAAS_HTTP_PORT=http\n')
    await expect(load({ PAAS_SETTINGS: path })).rejects.toThrow(
      /PAAS_HTTP_PORT is "http".*there is no setting PAAS_DOMIAN/,
    )
  })
})
