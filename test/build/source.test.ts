import { Readable } from 'node:stream'
import { pack, type Header } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { candidates } from '../../src/build/detect.ts'
import { isDockerfileBuild } from '../../src/build/dockerfile/build-dockerfile.ts'
import { readSource, sourceForBuild } from '../../src/build/source.ts'
import { sourceWarnings } from '../../src/build/source-warnings.ts'
import { hasWindowsLines } from '../../src/build/windows-lines.ts'
import { createPackPolicy } from '../../src/build/pack-url.ts'
import { forEachEntry } from '../../src/tar.ts'

const policy = createPackPolicy({ network: { firewall: true, allow: [], host: [] }, httpPort: 8080 })
const limits = { sourceBytes: 2 ** 20, sourceFiles: 10 }

function tarOf(files: Record<string, string | Buffer>): Readable {
  const tar = pack()
  for (const [name, content] of Object.entries(files)) {
    if (name.endsWith('/')) tar.entry({ name, type: 'directory' })
    else tar.entry({ name }, content)
  }
  tar.finalize()
  return Readable.from(tar, { objectMode: false })
}

async function built(files: Record<string, string>): Promise<Header[]> {
  const source = await readSource(tarOf(files), limits)
  const headers: Header[] = []
  await forEachEntry(
    sourceForBuild(tarOf(files), source.files['.slugignore']),
    ({ header }) => void headers.push(header),
  )
  return headers
}

async function namesOf(files: Record<string, string>): Promise<string[]> {
  return (await built(files)).map(({ name }) => name.replace(/^app\//, ''))
}

describe('what builds an app', () => {
  it('are the packs that are set for it, before those that its source names', () => {
    expect(candidates(['python', 'nodejs'], 'static', policy)).toEqual({ mode: 'all', packs: ['python', 'nodejs'] })
    expect(candidates([], 'heroku/static\n', policy)).toEqual({ mode: 'all', packs: ['static'] })
    expect(candidates([], undefined, policy)).toMatchObject({ mode: 'first' })
    expect(() => candidates(['gone'], undefined, policy)).toThrow('there is no longer a buildpack gone')
  })

  it('are packs at other addresses too, if builds can reach those', () => {
    const url = 'https://github.com/heroku/heroku-buildpack-pgbouncer.git#main'
    expect(candidates(['./packs/own'], undefined, policy).packs).toEqual(['./packs/own'])
    for (const path of ['./../x', './a b', './', '.', './a//b'])
      expect(() => candidates([path], undefined, policy)).toThrow('there is no longer a buildpack')
    expect(candidates([], `${url}\npython`, policy)).toEqual({ mode: 'all', packs: [url, 'python'] })
    expect(() => candidates([], 'https://10.0.0.1/pack.git', policy)).toThrow(
      /^build failed: 10\.0\.0\.1 \(port 443\) is not on the public internet$/,
    )
  })

  it('is not its Dockerfile when packs are set', async () => {
    expect(isDockerfileBuild(await readSource(tarOf({ Dockerfile: 'FROM x' }), limits), ['nodejs'])).toBe(false)
  })
})

describe('a source', () => {
  it('names the directories that look like apps, but for dependencies and tests', async () => {
    const files = [
      'README.md',
      'apps/web/package.json',
      'node_modules/a/package.json',
      'test/x/index.html',
      'a/b/c/go.mod',
    ]
    const tar = tarOf(Object.fromEntries(files.map((path) => [path, 'x'])))
    expect((await readSource(tar, limits)).appDirectories).toEqual(['apps/web/package.json'])
  })

  it('tells what is in its root and what the platform reads there', async () => {
    const source = await readSource(tarOf({ Procfile: 'web: x', 'src/': '', 'src/Procfile': 'web: y' }), limits)
    expect([...source.root]).toEqual(['Procfile', 'src'])
    expect(source.files).toEqual({ Procfile: 'web: x' })
  })

  it('is refused beyond its limits', async () => {
    const large = tarOf({ a: 'x'.repeat(2 ** 20), b: 'x' })
    await expect(readSource(large, limits)).rejects.toMatchObject({
      code: 'source_invalid',
      message: 'The commit has more than 1 MiB of files.',
    })
    const many = tarOf(Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`file-${index}`, ''])))
    await expect(readSource(many, limits)).rejects.toThrow('The commit has more than 10 files.')
    const procfile = tarOf({ Procfile: 'x'.repeat(65 * 1024) })
    await expect(readSource(procfile, limits)).rejects.toThrow('The commit has a Procfile of more than 64 KiB.')
  })

  it('may have no Procfile in UTF-16, as PowerShell writes it, and one with a byte order mark', async () => {
    const utf16 = Buffer.from('\uFEFFweb: node server.js\r\n', 'utf16le')
    await expect(readSource(tarOf({ Procfile: utf16 }), limits)).rejects.toMatchObject({
      code: 'source_invalid',
      message: 'The commit has a Procfile in UTF-16; it must be UTF-8.',
      hint: expect.stringContaining('Set-Content -Encoding utf8 Procfile'),
    })
    const { files } = await readSource(tarOf({ '.buildpacks': '\uFEFFnodejs\n' }), limits)
    expect(files).toEqual({ '.buildpacks': 'nodejs\n' })
  })

  it('is the tenant’s in the build', async () => {
    const headers = await built({ 'src/': '', 'src/index.js': 'x' })
    expect(headers).toMatchObject([
      { name: 'app/src/', type: 'directory', uid: 1000, gid: 1000 },
      { name: 'app/src/index.js', type: 'file', uid: 1000, gid: 1000, size: 1 },
    ])
  })

  it('goes into the build without what .slugignore names', async () => {
    const files = {
      '.slugignore': '# not to run\n*.psd\n/test\ndocs/\n!docs/keep\n',
      '.gitmodules': 'x',
      'app.js': 'x',
      'design/logo.psd': 'x',
      'docs/': '',
      'docs/guide.md': 'x',
      'docs/keep': 'x',
      'lib/test/a.js': 'x',
      'test/a.js': 'x',
    }
    expect(await namesOf(files)).toEqual(['.slugignore', 'app.js', 'lib/test/a.js'])
  })

  it.each([
    [{ Dockerfile: 'FROM x' }, true],
    [{ Dockerfile: 'FROM x', 'package.json': '{}' }, true],
    [{ Dockerfile: 'FROM x', Procfile: 'web: x' }, false],
    [{ Dockerfile: 'FROM x', '.buildpacks': 'nodejs' }, false],
    [{ 'docker/Dockerfile': 'FROM x' }, false],
  ])('%j is built with its Dockerfile: %j', async (files: Record<string, string>, expected) => {
    expect(isDockerfileBuild(await readSource(tarOf(files), limits))).toBe(expected)
  })
})

describe('a source most likely means otherwise', () => {
  const warnings = async (files: Record<string, string>) => sourceWarnings(await readSource(tarOf(files), limits))

  it.each([
    ['procfile', 'Procfile'],
    ['Procfile.txt', 'Procfile'],
    ['procfile.yml', 'Procfile'],
    ['App.json', 'app.json'],
    ['dockerfile', 'Dockerfile'],
    ['Package.json', 'package.json'],
    ['Requirements.txt', 'requirements.txt'],
    ['requirements.txt.txt', 'requirements.txt'],
  ])('when it has %s and no %s', async (found, name) => {
    const line = `${found} is ignored: its name must be ${name}. Rename it: git mv '${found}' ${name}`
    expect(await warnings({ [found]: 'x' })).toEqual([line])
    expect(await warnings({ [found]: 'x', [name]: '{}' })).toEqual([])
  })

  it('but not with names of its own', async () => {
    const own = {
      'Procfile.dev': 'x',
      'Procfile.windows': 'x',
      'Index.html': 'x',
      'src/procfile': 'x',
      'readme.txt': 'x',
    }
    expect(await warnings(own)).toEqual([])
  })

  it('when a script has Windows line ends', async () => {
    const script = '#!/usr/bin/env bash\r\necho hello\r\n'
    const files = {
      'start.sh': script,
      'bin/start': script,
      'fine.sh': '#!/bin/sh\necho\r\n',
      'app.py': '#!/usr/bin/python3\r\n',
    }
    expect(await warnings(files)).toEqual([
      expect.stringContaining(
        'start.sh has Windows line endings (CRLF), so Linux cannot run it. Write "*.sh text eol=lf"',
      ),
      expect.stringContaining(
        'bin/start has Windows line endings (CRLF), so Linux cannot run it. Write "/bin/start text',
      ),
    ])
    expect(hasWindowsLines(Buffer.from('#!/usr/bin/python3\r\n'), { mode: 0o755 })).toBe(true)
    expect(hasWindowsLines(Buffer.from('#!/usr/bin/python3\r\n'), { mode: 0o644 })).toBe(false)
  })
  it('when files are kept in Git LFS', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`
    const files = { 'logo.png': pointer, 'data/model': pointer, 'docs/lfs.md': `# How it works\n${pointer}`, empty: '' }
    expect(await warnings(files)).toEqual([
      'logo.png is a Git LFS pointer (and 1 more): the app gets the pointer, not the file. Remove its line from ' +
        '.gitattributes, run git add --renormalize . and commit, or have the build download it.',
    ])
  })
})
