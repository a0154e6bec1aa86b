import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runIn, type AppBuilder, type Builder } from './builder.ts'
import { PackHost } from './pack-host.ts'

let host: PackHost
let builder: Builder
/** One for all tests: lists of packages are kept. */
let app: AppBuilder
beforeAll(async () => {
  host = await PackHost.start()
  builder = host.builder
  app = await builder.app({ Aptfile: '' })
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await host?.[Symbol.asyncDispose]()
})

const site = { 'index.html': '<h1>Hello</h1>\n' }

describe('an Aptfile', () => {
  it('gives an app of any kind packages with all that they need, which the packs after it find too', async () => {
    const scripts = { build: 'pkg-config --cflags geoip > flags' }
    await app.replace({
      Aptfile: '# for maps\nsl   libgeoip-dev\r\n',
      'package.json': JSON.stringify({ name: 'x', scripts }),
      Procfile: 'worker: sl\n',
    })
    const result = await app.build()
    expect(result.buildpack).toBe('Apt, Node.js')
    expect(app.output).toMatch(/ {7}libgeoip-dev 1\.6/)
    const { output } = await runIn(
      result,
      'cat flags; command -v sl; ldd $(command -v sl) | grep -c "not found"; id -u',
    )
    expect(output).toMatch(/^-I\/app\/\.apt\/usr\/include\/? *\n\/app\/\.apt\/usr\/games\/sl\n0\n/)

    await app.commit({ 'more.txt': '' })
    await app.build({ config: { http_proxy: 'http://127.0.0.1:9' } })
    expect(app.output).toContain('Aptfile has not changed: restoring the packages from the cache')
  })

  it('may name the address of a .deb file', async () => {
    const image = await builder.buildImage()
    const pack =
      'mkdir -p x/DEBIAN x/usr/bin && printf "#!/bin/sh\\necho hello from a file\\n" > x/usr/bin/greet && chmod +x x/usr/bin/greet'
    const control =
      'Package: greet\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@example.com>\\nDescription: x\\n'
    const made = await runIn(
      { image },
      `cd /tmp && ${pack} && printf "${control}" > x/DEBIAN/control && dpkg-deb --build x >/dev/null 2>&1 && base64 x.deb`,
    )
    host.server.put('greet.deb', Buffer.from(made.output, 'base64'))
    await app.replace({ ...site, Aptfile: host.server.url('greet.deb') })
    const result = await app.build()
    expect(result.buildpack).toBe('Apt, Static site')
    expect((await runIn(result, 'greet')).output).toBe('hello from a file\n')
  })

  it.each([
    [
      'an option',
      '-o Dir::Etc=/etc',
      'Aptfile: "-o" is neither a package nor the address of a .deb file',
      'one package a line',
    ],
    ['a repository that is none', ':repo:file /etc', 'Aptfile: "file /etc" is no repository', 'as in sources.list(5)'],
    ['an unknown package', 'libgeoip-devel', 'Aptfile: Debian 13 has no package libgeoip-devel', 'libgeoip-dev'],
    ['an unknown version', 'sl=0.1', 'Aptfile names a version that there is not', 'write the name without a version'],
    [
      'a mirror that is not reached',
      'sl\n:repo:deb [trusted=yes] http://mirror.invalid/debian trixie main',
      'the mirror of packages is not reached',
      'closed to builds?',
    ],
  ])('with %s is refused, and what to do is said', async (_, text, reason, remedy) => {
    await app.replace({ ...site, Aptfile: text })
    await expect(app.build()).rejects.toThrow(`build failed: ${reason}`)
    expect(
      app.output
        .split('\n')
        .filter((line) => line.startsWith(' ! '))
        .join('\n'),
    ).toContain(remedy)
  })

  it('alone is no app', async () => {
    await app.replace({ Aptfile: '# nothing\n' })
    await expect(app.build()).rejects.toThrow('build failed: no buildpack could be detected')
  })
})
