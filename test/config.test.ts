import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config.ts'

describe('the settings of what containers may reach', () => {
  it('close the host and all private networks unless something else is said', () => {
    expect(loadConfig({}).network).toEqual({ firewall: true, allow: [], host: [] })
  })

  it('open networks that are named', () => {
    const { network } = loadConfig({
      PAAS_ALLOW_NETWORKS: '10.1.0.0/16, 192.168.7.9/32,0.0.0.0/0',
    })
    expect(network).toEqual({ firewall: true, allow: ['10.1.0.0/16', '192.168.7.9/32', '0.0.0.0/0'], host: [] })
  })

  it.each([
    '10.1.2.3/16',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    'fd00::/8',
    '300.0.0.0/8',
    'mirror.example',
    '10.0.0.0/8;',
  ])('refuse %s, with the reason', (network) => {
    expect(() => loadConfig({ PAAS_ALLOW_NETWORKS: `10.9.0.0/16,${network}`, PAAS_FIREWALL: 'maybe' })).toThrow(
      expect.objectContaining({
        code: 'settings_invalid',
        message: expect.stringMatching(
          /PAAS_FIREWALL is "maybe"; it must be one of on, off.*PAAS_ALLOW_NETWORKS has ".+"; it must be a list of networks such as 10\.1\.0\.0\/16/,
        ),
      }),
    )
  })

  it.each([
    ['', undefined],
    ['none', []],
    ['10.0.0.53, 192.0.2.53', ['10.0.0.53', '192.0.2.53']],
  ])('give the name servers that are named: %s', (value, nameServers) => {
    expect(loadConfig({ PAAS_DNS: value, PAAS_FIREWALL: 'off' }).network.nameServers).toEqual(nameServers)
  })

  it.each(['127.0.0.53', '0.0.0.0', '224.0.0.251', 'fd00::53', 'dns.example', '10.0.0.53,none', '10.0.0.53,'])(
    'refuse %s for name servers, with the reason',
    (value) => {
      expect(() => loadConfig({ PAAS_DNS: value })).toThrow(
        /PAAS_DNS has ".*"; it must be a list of IPv4 addresses that containers can reach, such as 10\.0\.0\.53, or none/,
      )
    },
  )

  it('open ports of this machine that are named', () => {
    const { network } = loadConfig({ PAAS_ALLOW_HOST: '5432, 172.17.0.1:6379' })
    expect(network.host).toEqual([{ port: 5432 }, { address: '172.17.0.1', port: 6379 }])
  })

  it.each(['0', '65536', 'postgres', '127.0.0.1:5432', '0.0.0.0:5432', '172.17.0.1', '10.1:5432', '[::1]:5432', '-1'])(
    'refuse %s as a port of this machine, with what it may be',
    (place) => {
      expect(() => loadConfig({ PAAS_ALLOW_HOST: `5432,${place}` })).toThrow(
        `PAAS_ALLOW_HOST has "${place}"; it must be a list of TCP ports of this machine, such as 5432 or 172.17.0.1:5432.`,
      )
    },
  )

  it.each([
    ['8080', {}, 'PAAS_HTTP_PORT'],
    ['172.17.0.1:8443', {}, 'PAAS_HTTPS_PORT'],
    ['2375', {}, "Docker's"],
    ['4243', { DOCKER_HOST: 'tcp://127.0.0.1:4243' }, 'that of DOCKER_HOST'],
    ['6379', { REDIS_URL: 'redis://:secret@127.0.0.1' }, 'that of REDIS_URL'],
    ['7000', { REDIS_URL: 'rediss://127.0.0.1:7000/1' }, 'that of REDIS_URL'],
  ])('never open port %s of %o', (port, settings, owner) => {
    const message = `PAAS_ALLOW_HOST has port ${port.split(':').at(-1)}, which is ${owner}: no app may reach that`
    expect(() => loadConfig({ ...settings, PAAS_ALLOW_HOST: port })).toThrow(message)
    expect(loadConfig({ REDIS_URL: 'unix:///run/redis.sock', PAAS_ALLOW_HOST: '6379' }).network.host).toHaveLength(1)
  })
})

describe('the data directory', () => {
  it('is where the program lies, unless PAAS_DATA says otherwise, and not where one stands', () => {
    const checkout = resolve(import.meta.dirname, '..')
    const before = process.cwd()
    process.chdir(tmpdir())
    try {
      expect(loadConfig({}).dataDirectory).toBe(join(checkout, 'data'))
      expect(loadConfig({ PAAS_DATA: 'mine' }).dataDirectory).toBe(join(process.cwd(), 'mine'))
    } finally {
      process.chdir(before)
    }
  })
})

describe('the sizes of dynos', () => {
  it('are what is said, and the usual for what is not', () => {
    const { dynoSizes } = loadConfig({ PAAS_DYNO_SIZES: 'eco=256/0.5, Standard-1X=1024/2' })
    expect(dynoSizes).toMatchObject({
      eco: { memory: 256, cpus: 0.5, pids: 256 },
      basic: { memory: 512, cpus: 1 },
      'standard-1x': { memory: 1024, cpus: 2 },
    })
  })

  it.each(['huge=1/1', 'eco', 'eco=10/1', 'eco=256/0', 'eco=256/0.01', 'eco=9999999/1', 'eco=-1/1', 'eco=256'])(
    'refuse %s, with the reason',
    (size) => {
      expect(() => loadConfig({ PAAS_DYNO_SIZES: `basic=512/1,${size}` })).toThrow(
        `PAAS_DYNO_SIZES has "${size}"; it must be a list such as eco=256/0.5`,
      )
    },
  )
})

describe('the public URL', () => {
  it('is the HTTP port’s unless something else is said', () => {
    expect(loadConfig({ PAAS_DOMAIN: 'paas.example' }).publicUrl).toBe('http://paas.example:8080')
    expect(loadConfig({ PAAS_DOMAIN: 'paas.example', PAAS_HTTP_PORT: '80' }).publicUrl).toBe('http://paas.example')
  })

  it.each([
    ['https://paas.example', 'https://paas.example'],
    ['https://paas.example/', 'https://paas.example'],
    ['https://paas.example:8443', 'https://paas.example:8443'],
  ])('is %s where that is said', (PAAS_PUBLIC_URL, url) => {
    expect(loadConfig({ PAAS_DOMAIN: 'paas.example', PAAS_PUBLIC_URL }).publicUrl).toBe(url)
  })

  it.each([
    'paas.example',
    'ftp://paas.example',
    'https://other.example',
    'https://paas.example/x',
    'https://u:p@paas.example',
  ])('is not %s', (PAAS_PUBLIC_URL) => {
    expect(() => loadConfig({ PAAS_DOMAIN: 'paas.example', PAAS_PUBLIC_URL })).toThrow(
      /PAAS_PUBLIC_URL is ".*"; it must be a URL of PAAS_DOMAIN without a path/,
    )
  })
})

describe('the trusted proxies', () => {
  it('are none unless networks are named, of IPv4 and IPv6', () => {
    expect(loadConfig({}).trustedProxies).toEqual([])
    const PAAS_TRUSTED_PROXIES = '127.0.0.1/32, 10.0.0.0/8,2001:db8::/32'
    expect(loadConfig({ PAAS_TRUSTED_PROXIES }).trustedProxies).toEqual(['127.0.0.1/32', '10.0.0.0/8', '2001:db8::/32'])
  })

  it.each(['10.0.0.1', '10.0.0.1/8', '::1', '::1/129', 'proxy.example', '::1%lo/128'])('refuse %s', (network) => {
    expect(() => loadConfig({ PAAS_TRUSTED_PROXIES: network })).toThrow(
      `PAAS_TRUSTED_PROXIES has "${network}"; it must be a list of networks such as 10.1.0.0/16`,
    )
  })
})

describe('the TLS port', () => {
  it('goes with the HTTP port, is another one, or off', () => {
    expect(
      [
        {},
        { PAAS_HTTP_PORT: '80' },
        { PAAS_HTTP_PORT: '65535' },
        { PAAS_HTTPS_PORT: '444' },
        { PAAS_HTTPS_PORT: 'off' },
      ].map((env) => loadConfig(env).httpsPort),
    ).toEqual([8443, 443, 65172, 444, undefined])
  })

  it('is not the HTTP port', () => {
    expect(() => loadConfig({ PAAS_HTTPS_PORT: '8080' })).toThrow(/PAAS_HTTP_PORT and PAAS_HTTPS_PORT are both 8080/)
  })
})

describe('settings that are wrong', () => {
  it('are all named at once', () => {
    const wrong = {
      PAAS_HTTP_PORT: '0',
      PAAS_DOMAIN: 'http://x',
      REDIS_URL: 'ftp://x',
      DOCKER_HOST: 'npipe',
      PAAS_RUNTIME: '../runsc',
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
    [{ PAAS_FIREWALL: 'off', PAAS_ALLOW_HOST: '5432' }, /PAAS_ALLOW_HOST has no effect with PAAS_FIREWALL=off/],
    [{ PAAS_DATA: '/c/paas', XDG_CACHE_HOME: '/c' }, /PAAS_DATA is the cache directory/],
  ])('because they contradict each other are refused: %o', (settings, message) => {
    expect(() => loadConfig(settings)).toThrow(message)
  })
})

describe('the source of other packages', () => {
  const key = { PAAS_PACKAGE_SOURCE_KEY: '/usr/share/keyrings/pgdg.asc' }

  it('is none, or as in apt’s lists, with its key', () => {
    expect(loadConfig({}).packageSource).toBeUndefined()
    expect(
      loadConfig({ PAAS_PACKAGE_SOURCE: 'https://p.example/apt trixie-pgdg main 18', ...key }).packageSource,
    ).toEqual({
      url: 'https://p.example/apt',
      suite: 'trixie-pgdg',
      components: ['main', '18'],
      keyFile: '/usr/share/keyrings/pgdg.asc',
    })
  })

  it.each([
    'https://p.example/apt',
    'ftp://p.example/apt trixie main',
    'https://p.example/ ./ main',
    'https://p/ a b\nc',
  ])('is refused as %j', (source) => {
    expect(() => loadConfig({ PAAS_PACKAGE_SOURCE: source, ...key })).toThrow(/PAAS_PACKAGE_SOURCE is ".*; it must be/s)
  })

  it('is refused without a key, and with a password, which is not shown', () => {
    expect(() => loadConfig({ PAAS_PACKAGE_SOURCE: 'https://p.example/apt trixie main' })).toThrow(
      /PAAS_PACKAGE_SOURCE_KEY is ""/,
    )
    expect(() => loadConfig({ PAAS_PACKAGE_SOURCE: 'https://me:secret@p.example/apt trixie main', ...key })).toThrow(
      /\*\*\*@/,
    )
  })
})
