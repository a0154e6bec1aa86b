import { describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config.ts'

describe('the settings of what containers may reach', () => {
  it('close the host and all private networks unless something else is said', () => {
    expect(loadConfig({}).network).toEqual({ firewall: true, allow: [] })
  })

  it('open networks that are named', () => {
    const { network } = loadConfig({
      PAAS_ALLOW_NETWORKS: '10.1.0.0/16, 192.168.7.9/32,0.0.0.0/0',
    })
    expect(network).toEqual({ firewall: true, allow: ['10.1.0.0/16', '192.168.7.9/32', '0.0.0.0/0'] })
  })

  it.each(['10.1.2.3/16', '10.0.0.0', '10.0.0.0/33', 'fd00::/8', '300.0.0.0/8', 'mirror.example', '10.0.0.0/8;'])(
    'refuse %s, with the reason',
    (network) => {
      expect(() => loadConfig({ PAAS_ALLOW_NETWORKS: `10.9.0.0/16,${network}`, PAAS_FIREWALL: 'maybe' })).toThrow(
        expect.objectContaining({
          code: 'settings_invalid',
          message: expect.stringMatching(
            /PAAS_FIREWALL is "maybe"; it must be one of on, off.*PAAS_ALLOW_NETWORKS has ".+"; it must be a list of networks such as 10\.1\.0\.0\/16/,
          ),
        }),
      )
    },
  )
})

describe('settings that are wrong', () => {
  it('are all named at once', () => {
    const wrong = {
      PAAS_HTTP_PORT: '0',
      PAAS_DOMAIN: 'http://x',
      REDIS_URL: 'ftp://x',
      DOCKER_HOST: 'npipe',
      PAAS_DATA: '/d'.repeat(60),
    }
    for (const name of Object.keys(wrong)) {
      expect(() => loadConfig(wrong)).toThrow(
        expect.objectContaining({ code: 'settings_invalid', message: expect.stringContaining(name) }),
      )
    }
  })

  it.each([
    [{ PAAS_FIREWALL: 'off', PAAS_ALLOW_NETWORKS: '10.0.0.0/8' }, /PAAS_ALLOW_NETWORKS.*PAAS_FIREWALL=off/],
    [{ PAAS_DATA: '/c/paas', XDG_CACHE_HOME: '/c' }, /PAAS_DATA is the cache directory/],
  ])('because they contradict each other are refused: %o', (settings, message) => {
    expect(() => loadConfig(settings)).toThrow(message)
  })
})
