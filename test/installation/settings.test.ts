import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { chooseSettings, type Given } from '../../src/installation/choose-settings.ts'
import { changeSettings, writeSettings } from '../../src/installation/settings-text.ts'
import { readSettingsFile } from '../../src/settings-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'paas-installation-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const choose = async (given: Partial<Given>, present: Record<string, string> = {}, answers?: string[]) => {
  const asked: string[] = []
  const ask = async (question: string): Promise<string> => (asked.push(question), answers?.shift() ?? '')
  const place = { given: { set: [], yes: false, ...given }, present, checkout: directory }
  return { settings: await chooseSettings(place, answers && ask), asked }
}

describe('the settings of a service', () => {
  it('are asked for once, with usual ones', async () => {
    const { settings, asked } = await choose({}, {}, ['paas.test', 'me@paas.test', ''])
    expect(settings).toEqual({
      PAAS_DOMAIN: 'paas.test',
      PAAS_ACME_EMAIL: 'me@paas.test',
      PAAS_DATA: '/var/lib/paas',
      PAAS_HTTP_PORT: '80',
      PAAS_HTTPS_PORT: '443',
    })
    expect(asked).toHaveLength(3)
    expect(asked[2]).toBe('Data directory [/var/lib/paas]: ')
    expect((await choose({}, settings, [])).asked).toEqual([])
  })

  it('are those that are given before those of the file, and ask nothing then', async () => {
    const present = { PAAS_DOMAIN: 'old.test', PAAS_HTTP_PORT: '8080', PAAS_LOG_LEVEL: 'debug' }
    const { settings } = await choose(
      { domain: 'new.test', data: '/srv/x', set: ['PAAS_DNS=none', 'PAAS_LOG_LEVEL='] },
      present,
    )
    expect(settings).toEqual({
      PAAS_DOMAIN: 'new.test',
      PAAS_HTTP_PORT: '8080',
      PAAS_HTTPS_PORT: '443',
      PAAS_DATA: '/srv/x',
      PAAS_DNS: 'none',
    })
  })

  it('leave the data where a server of this checkout has it', async () => {
    mkdirSync(join(directory, 'data'), { recursive: true })
    writeFileSync(join(directory, 'data/paas.json'), '{}')
    expect((await choose({ domain: 'paas.test' })).settings).toMatchObject({ PAAS_DATA: join(directory, 'data') })
  })

  it('lack a domain where nobody can be asked', async () => {
    await expect(choose({})).rejects.toThrow(/The domain of the server is not known/)
  })

  it.each(['PAAS_DNS', 'paas=1', 'A B=1', 'PAAS_DNS=1\nLD_PRELOAD=/x'])('are not %j', async (text) => {
    await expect(choose({ domain: 'paas.test', set: [text] })).rejects.toThrow(/must be NAME=value/)
  })
})

describe('the settings file', () => {
  it('keeps its comments, order and other lines when a setting is changed', () => {
    const text = '# mine\nPAAS_DOMAIN=a.test\n\n# more\nPAAS_DNS=none\n'
    expect(changeSettings(text, { PAAS_DOMAIN: 'b.test', PAAS_DATA: '/srv' })).toBe(
      '# mine\nPAAS_DOMAIN=b.test\n\n# more\nPAAS_DNS=none\nPAAS_DATA=/srv\n',
    )
  })

  it('is closed to others, whatever it was before', () => {
    const path = join(directory, 'etc/settings.env')
    writeSettings(path, { PAAS_DOMAIN: 'a.test' })
    chmodSync(path, 0o644)
    writeSettings(path, { PAAS_DOMAIN: 'b.test' })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toContain('PAAS_DOMAIN=b.test\n')
    expect(readSettingsFile(path)).toEqual({ PAAS_DOMAIN: 'b.test' })
  })
})
