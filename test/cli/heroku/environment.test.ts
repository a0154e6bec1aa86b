import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { herokuEnvironment } from '../../../src/cli/heroku/environment.ts'
import { exportLines, usualShell } from '../../../src/cli/heroku/shell.ts'

const guard = '/opt/paas/guard.cjs'
const local = { url: 'http://localhost:8080', token: 'secret' }

describe("the settings for Heroku's command", () => {
  it('name this server wherever it would call one of Heroku', () => {
    const environment = herokuEnvironment(local, { guard })
    expect(environment).toMatchObject({
      HEROKU_HOST: local.url,
      HEROKU_API_KEY: 'secret',
      HEROKU_DATA_HOST: 'localhost',
    })
    expect(Object.values(environment).join(' ')).not.toContain('heroku.com')
  })

  it('lead git to the TLS port, whose authority is trusted', () => {
    const tls = { host: 'localhost:8443', authority: '/home/ada/ca.pem' }
    expect(herokuEnvironment(local, { guard, tls })).toMatchObject({
      HEROKU_GIT_HOST: 'localhost:8443',
      NODE_EXTRA_CA_CERTS: '/home/ada/ca.pem',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'http.https://localhost:8443/.sslCAInfo',
      GIT_CONFIG_VALUE_0: '/home/ada/ca.pem',
    })
  })

  it('take the place of the file that git was told to trust, since it heeds no other then', () => {
    const tls = { host: 'localhost:8443', authority: '/home/ada/ca.pem' }
    const present = { GIT_SSL_CAINFO: '/etc/ssl/certs/ca-certificates.crt' }
    const environment = herokuEnvironment(local, { guard, tls, present })
    expect(environment).toMatchObject({ GIT_SSL_CAINFO: '/home/ada/ca.pem' })
    expect(environment).not.toHaveProperty('GIT_CONFIG_COUNT')
  })

  it('come after the settings that git was given before, and are the same the second time', () => {
    const tls = { host: 'localhost:8443', authority: '/home/ada/ca.pem' }
    const present = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: 'Ada' }
    const once = herokuEnvironment(local, { guard, tls, present })
    expect(once).toMatchObject({ GIT_CONFIG_COUNT: '2', GIT_CONFIG_VALUE_1: '/home/ada/ca.pem' })
    expect(herokuEnvironment(local, { guard, tls, present: { ...present, ...once } })).toEqual(once)
  })

  it('keep what NODE_OPTIONS has, and are the same the second time', () => {
    const { NODE_OPTIONS: once } = herokuEnvironment(local, { guard, present: { NODE_OPTIONS: '--no-deprecation' } })
    expect(once).toBe(`--no-deprecation --require=${guard}`)
    expect(herokuEnvironment(local, { guard, present: { NODE_OPTIONS: once } })).toMatchObject({ NODE_OPTIONS: once })
  })

  it.each([
    'https://paas.example.com',
    'http://localhost.example.com',
    'http://acme.localhost:8080',
    'http://[::1]:8080',
  ])('are refused for %s, to which it would not send the token', (url) => {
    expect(() => herokuEnvironment({ url, token: 'secret' }, { guard })).toThrow(`does not accept ${url}`)
  })
})

describe('what a shell is to evaluate', () => {
  const awkward = { PLAIN: 'http://localhost:8080', AWKWARD: `a b'c"d\\e$HOME\`!*\nf`, GONE: undefined }

  it.each(['sh', 'bash', 'zsh', 'fish'])('means the same to %s', (shell) => {
    const lines = exportLines(awkward, shell === 'fish' ? 'fish' : 'sh').join('\n')
    const script = `${lines}\nexec "$NODE" -e 'console.log(JSON.stringify(process.env))'`
    const env = { ...process.env, NODE: process.execPath, GONE: 'still here' }
    const seen: unknown = JSON.parse(execFileSync(shell, ['-c', script], { env, encoding: 'utf8' }))
    expect(seen).toMatchObject({ PLAIN: awkward.PLAIN, AWKWARD: awkward.AWKWARD })
    expect(seen).not.toHaveProperty('GONE')
  })

  it('is for the shell of the user', () => {
    expect(['/usr/bin/fish', '/bin/zsh', '/bin/bash', undefined].map((SHELL) => usualShell({ SHELL }))).toEqual([
      'fish',
      'sh',
      'sh',
      'sh',
    ])
  })
})

describe('the guard', () => {
  const connect = (code: string): string =>
    execFileSync(
      process.execPath,
      ['--require', '../../../src/cli/heroku/guard.cjs', '--input-type=module', '-e', code],
      {
        cwd: import.meta.dirname,
        env: { ...process.env, HEROKU_HOST: local.url },
        encoding: 'utf8',
      },
    )

  it.each([
    ['fetch', `await fetch('https://api.heroku.com').catch((error) => console.log(error.cause.message))`],
    [
      'http',
      `import { get } from 'node:http'; get('http://api.heroku.com').on('error', (e) => console.log(e.message))`,
    ],
    [
      'https',
      `import { get } from 'node:https'; get('https://kolkrabbi.HEROKU.com.').on('error', (e) => console.log(e.message))`,
    ],
    [
      'TLS through a proxy',
      `import net from 'node:net'; import { connect } from 'node:tls'
       connect({ socket: new net.Socket(), servername: 'api.heroku.com' }).on('error', (e) => console.log(e.message))`,
    ],
  ])('refuses %s to Heroku', (_name, code) => {
    expect(connect(code)).toMatch(
      /^paas: nothing is sent to .*heroku\.com\.?\. This shell speaks to http:\/\/localhost:8080/i,
    )
  })

  it('lets everything else through', () => {
    const code = `import { createServer, connect } from 'node:net'
      const server = createServer((socket) => socket.end('through')).listen(0, '127.0.0.1', () => {
        connect(server.address().port, '127.0.0.1').on('data', (data) => console.log(String(data))).on('end', () => server.close())
      })`
    expect(connect(code)).toBe('through\n')
  })
})
