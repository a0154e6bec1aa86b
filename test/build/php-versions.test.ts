import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runIn, type AppBuilder, type Builder } from './builder.ts'
import { fromMirror, packagesOf } from './debian-mirror.ts'
import { PackHost } from './pack-host.ts'

const execute = promisify(execFile)
/** One that is in Debian, though not in the release that the stack is made of. */
const series = '8.2'

let host: PackHost
let builder: Builder
let app: AppBuilder
let directory: string
/** Which PHP the server of this test has, as the one that is asked has many. */
let version: string
beforeAll(async () => {
  host = await PackHost.start()
  builder = host.builder
  directory = await mkdtemp(join(tmpdir(), 'paas-php-'))
  version = await servePhp(await builder.buildImage(['php']))
  app = await builder.app({ 'index.php': '' })
}, 900_000)
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await host?.[Symbol.asyncDispose]()
  if (directory) await rm(directory, { recursive: true })
})

/** Debian's programs as archives such as StaticPHP has them: one for each way to run PHP, and a list of all. */
async function servePhp(image: string): Promise<string> {
  const names = ['cli', 'fpm', 'common', 'mbstring'].map((name) => `php${series}-${name}`)
  for (const [name, path] of await packagesOf(image, 'bookworm', names)) {
    await writeFile(join(directory, `${name}.deb`), await fromMirror(image, path))
    await execute('dpkg-deb', ['--extract', join(directory, `${name}.deb`), join(directory, 'all')])
  }
  const found = /_(8\.\d+\.\d+)-/.exec((await packagesOf(image, 'bookworm', names)).get(names[0]!) ?? '')?.[1] ?? ''
  await mkdir(join(directory, 'cli'))
  await mkdir(join(directory, 'fpm'))
  await moveExtensions()
  await rename(join(directory, `all/usr/bin/php${series}`), join(directory, 'cli/php-itself'))
  await rename(join(directory, `all/usr/sbin/php-fpm${series}`), join(directory, 'fpm/php-fpm'))
  await writeFile(join(directory, 'cli/php'), withExtensions)
  await chmod(join(directory, 'cli/php'), 0o755)
  const files = ['cli', 'fpm'].map((name) => ({ name: `php-${found}-${name}-linux-x86_64.tar.gz` }))
  for (const [index, { name }] of files.entries()) {
    const options = { encoding: 'buffer' as const, maxBuffer: 2 ** 28 }
    const from = join(directory, ['cli', 'fpm'][index]!)
    host.server.put(`php/${name}`, (await execute('tar', ['-czC', from, '.'], options)).stdout)
  }
  host.server.put('php/', Buffer.from(JSON.stringify([{ name: 'php-8.3.1-cli-linux-x86_64.tar.gz' }, ...files])))
  return found
}

const extensions = ['ctype', 'iconv', 'mbstring', 'phar', 'tokenizer']
/** Of StaticPHP's they are in the program. */
async function moveExtensions(): Promise<void> {
  const [api = ''] = await readdir(join(directory, 'all/usr/lib/php')).then((all) =>
    all.filter((name) => /^\d+$/.test(name)),
  )
  for (const name of extensions) {
    await rename(join(directory, `all/usr/lib/php/${api}/${name}.so`), join(directory, `cli/${name}.so`))
  }
}
const withExtensions = `#!/bin/sh
at=$(dirname "$(readlink -f "$0")")
exec "$at/php-itself" -n -d extension_dir="$at" ${extensions.map((name) => `-d extension=${name}`).join(' ')} "$@"
`

const replaced = (by: string) => ({
  MISE_URL_REPLACEMENTS: JSON.stringify({ 'https://dl.static-php.dev/static-php-cli/bulk': by }),
})
const mirror = () => replaced(host.server.url('php'))
const nowhere = { ...replaced('http://127.0.0.1:9'), MISE_HTTP_RETRIES: '0' }
const hello = { 'index.php': '<?php echo "Hello from PHP ", PHP_VERSION, " ", PHP_SAPI, "\\n";' }

describe('a PHP app that asks for a PHP which the stack has not', () => {
  it('gets it through mise, from a mirror, for Composer and for the web', async () => {
    await app.replace({
      ...hello,
      '.tool-versions': `php ${series}\n`,
      'composer.json': '{"require": {"php": "^8.1"}}',
    })
    const result = await app.build({ config: mirror() })
    expect(app.output).toContain(`-----> Using PHP ${version} (.tool-versions: ${series})`)
    expect((await runIn(result, 'php -r "echo PHP_VERSION;"')).output).toBe(version)
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ status: 200, body: `Hello from PHP ${version} fpm-fcgi\n` })
  })

  it('has it from the cache, in a layer of its own', async () => {
    const before = await app.build({ config: nowhere })
    await app.commit({ 'README.md': 'Greets.\n' })
    await app.sandboxes.without(app.id, () => Promise.resolve())
    const result = await app.build({ config: nowhere })
    expect(app.output).not.toContain('mise')
    expect(Math.abs(result.size - before.size)).toBeLessThan(1000)
    expect((await runIn(result, 'readlink -f $(which php)')).output).toMatch(/^\/app\/.*\.paas\/runtime\/bin\/php/)
  })

  it('may ask by the range of its composer.json', async () => {
    await using other = await builder.app({ ...hello, 'composer.json': '{"require": {"php": "~8.2.0"}}' })
    await other.build({ config: mirror() })
    expect(other.output).toContain(`-----> Using PHP ${version} (composer.json: ~8.2.0)`)
  })

  it('that is no version is told so', async () => {
    await using other = await builder.app({ ...hello, '.tool-versions': 'php ref:master\n' })
    await expect(other.build({ config: nowhere })).rejects.toThrow('asks for PHP ref:master, which is no version')
  })

  it.each([
    [
      'that is not reached',
      { '.tool-versions': 'php 8.3\n' },
      'no PHP 8.3: what mise would get it from is not reached',
    ],
    [
      'in composer.json that is not reached',
      { 'composer.json': '{"require": {"php": "8.1.*"}}' },
      'no PHP 8.1.*: what',
    ],
  ])('%s is told which there are without it', async (_, files, reason) => {
    await using other = await builder.app({ ...hello, ...files })
    await expect(other.build({ config: nowhere })).rejects.toThrow(`build failed: ${reason}`)
    expect(other.output).toMatch(/^ ! {5}Without it there is PHP 8\.4\.\d+ of the stack\. \w+/m)
  })
})
