import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runIn, type Builder } from './builder.ts'
import { PackHost } from './pack-host.ts'

let host: PackHost
let builder: Builder
beforeAll(async () => {
  host = await PackHost.start()
  builder = host.builder
})
afterAll(() => host?.[Symbol.asyncDispose]())

const worker = { 'worker.py': '', Procfile: 'worker: python worker.py\n' }
/** With the index named, for networks that have no more of it than this. */
const poetry = (index: string): string => `[tool.poetry]
name = "an-app"
version = "1"
description = ""
authors = []
[tool.poetry.dependencies]
python = "^3.11"
idna = "3.10"
[[tool.poetry.source]]
name = "index"
url = "${index}"
`

describe('a Python app', () => {
  it('of Poetry is installed by Poetry with or without a lock file, in place, and from the cache', async () => {
    const pyproject = { 'pyproject.toml': poetry(await pipsIndex()) }
    await using app = await builder.app({ ...pyproject, 'an_app/__init__.py': 'version = 1\n', ...worker })
    await app.build()
    expect(app.output).toContain('No poetry.lock: every build may get other versions.')
    expect(app.output).toContain('Installing idna (3.10)')
    await app.commit({ 'an_app/__init__.py': 'version = 2\n' })
    const result = await app.build()
    expect(app.output).toContain('pyproject.toml has not changed: restoring the environment from the cache')
    expect((await runIn(result, 'cd / && python -c "import an_app, idna; print(an_app.version)"')).output).toBe('2\n')

    await app.commit({ 'poetry.lock': 'package = []\n[metadata]\nlock-version = "2.1"\ncontent-hash = "other"\n' })
    await expect(app.build()).rejects.toThrow('build failed: poetry.lock does not match pyproject.toml')
  })

  it('of a workspace of uv has its packages from the cache, and its members as they were pushed', async () => {
    const files = uvWorkspace(await pipsIndex())
    const lock = { 'uv.lock': await uvLock(files) }
    await using app = await builder.app({ ...files, ...lock, ...worker, 'libs/x/src/x/__init__.py': 'version = 1\n' })
    const line = 'import idna, x; print(idna.__version__, x.version)'
    expect((await runIn(await app.build(), `cd / && python -c "${line}"`)).output).toBe('3.10 1\n')
    expect(app.output).not.toContain('from the cache')
    await app.commit({ 'libs/x/src/x/__init__.py': 'version = 2\n' })
    expect((await runIn(await app.build(), `cd / && python -c "${line}"`)).output).toBe('3.10 2\n')
    expect(app.output).toContain('uv.lock has not changed: restoring the environment from the cache')

    await app.commit({ 'libs/x/pyproject.toml': files['libs/x/pyproject.toml'].replace('3.10', '3.9') })
    await expect(app.build()).rejects.toThrow('build failed: uv.lock does not match pyproject.toml')
  })

  it('with a Pipfile beside a pyproject.toml for tools is installed by pipenv', async () => {
    await using app = await builder.app({
      Pipfile: '[packages]\nidna = "==3.10"\nx = {path = "libs/x"}\n',
      'pyproject.toml': '[tool.ruff]\nline-length = 100\n',
      ...localPackage('version = 1'),
      ...worker,
    })
    const lines = 'import idna, x; print(idna.__version__, x.version)'
    expect((await runIn(await app.build(), `python -c "${lines}"`)).output).toBe('3.10 1\n')
    await app.commit(localPackage('version = 2'))
    expect((await runIn(await app.build(), `python -c "${lines}"`)).output).toBe('3.10 2\n')

    await app.commit({ 'Pipfile.lock': '{"_meta": {"hash": {"sha256": "other"}, "sources": []}, "default": {}}' })
    await expect(app.build()).rejects.toThrow('build failed: Pipfile.lock does not match Pipfile')
  })

  it('whose build backend knows the dependencies is installed in place', async () => {
    const dynamic =
      'version = "1"\ndynamic = ["dependencies"]\n[tool.setuptools.dynamic]\ndependencies = {file = ["needs.in"]}'
    await using app = await builder.app({
      'pyproject.toml': `[project]\nname = "an-app"\n${dynamic}\n[tool.setuptools]\npy-modules = ["worker"]\n`,
      'needs.in': 'idna==3.10\n',
      ...worker,
    })
    await app.build()
    await app.commit({ 'needs.in': 'idna==3.9\n', 'worker.py': 'import idna\nprint(idna.__version__)\n' })
    expect((await runIn(await app.build(), 'cd / && python -m worker')).output).toBe('3.9\n')
  })

  it.each([
    ['requirements.txt leads to', { 'requirements.txt': '-r deps/base.in\n', 'deps/base.in': 'libs/x\n' }],
    [
      'uv.lock names',
      {
        'pyproject.toml':
          '[project]\nname = "an-app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["x"]\n[tool.uv.sources]\nx = { path = "libs/x" }\n',
        'uv.lock':
          'version = 1\nrevision = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "an-app"\nversion = "1"\nsource = { virtual = "." }\ndependencies = [\n    { name = "x" },\n]\n\n[package.metadata]\nrequires-dist = [{ name = "x", directory = "libs/x" }]\n\n[[package]]\nname = "x"\nversion = "1"\nsource = { directory = "libs/x" }\n',
      },
    ],
  ])('serves a package of its own that %s as it was pushed', async (_, files: Record<string, string>) => {
    await using app = await builder.app({ ...files, ...localPackage('version = 1'), ...worker })
    expect((await runIn(await app.build(), 'python -c "import x; print(x.version)"')).output).toBe('1\n')
    await app.commit(localPackage('version = 2'))
    expect((await runIn(await app.build(), 'python -c "import x; print(x.version)"')).output).toBe('2\n')
  })
})

describe('a Python app that asks for another Python', () => {
  it('gets it from where uv is told, once, in the layer of its dependencies', async () => {
    const config = await pythonMirror()
    await using app = await builder.app({ 'requirements.txt': 'idna==3.10\n', '.python-version': '3.11\n', ...worker })
    const line = 'python -c "import sys, ssl, idna; print(sys.version.split()[0], sys.base_prefix, idna.__version__)"'
    expect((await runIn(await app.build({ config }), line)).output).toBe('3.11.2 /app/.paas/python/runtime 3.10\n')
    expect(app.output).toContain('-----> Downloading Python 3.11 with uv (.python-version)')
    await app.commit({ 'worker.py': 'pass\n' })
    await app.build({ config })
    expect(app.output).toContain('-----> Using Python 3.11.2 (.python-version)')
    expect(app.output).toContain('requirements.txt has not changed: restoring')

    const pyproject = 'name = "an-app"\nversion = "1"\nrequires-python = "==3.11.*"\ndependencies = ["idna==3.9"]\n'
    await app.replace({ 'pyproject.toml': `[project]\n${pyproject}[tool.uv]\n`, ...worker })
    const away = { config: { UV_PYTHON_INSTALL_MIRROR: 'https://mirror.invalid', UV_HTTP_RETRIES: '0' } }
    expect((await runIn(await app.build(away), line)).output).toBe('3.11.2 /app/.paas/python/runtime 3.9\n')
    expect(app.output).toContain('-----> Using Python 3.11.2 (pyproject.toml)')

    await app.commit({ 'pyproject.toml': `[project]\n${pyproject.replace('3.11', '3.12')}[tool.uv]\n` })
    await expect(app.build(away)).rejects.toThrow('build failed: Python ==3.12.* cannot be downloaded')
    expect(app.output).toContain('Without a download there is 3.13')
    await app.commit({ '.tool-versions': 'python 3.99\n' })
    const unknown = 'build failed: .tool-versions asks for Python 3.99, which does not exist'
    await expect(app.build({ config })).rejects.toThrow(unknown)
    expect(app.output).toContain(' !     There is: 3.11.')
  })
})

/** An app, and a package of its workspace that it needs. */
function uvWorkspace(index: string) {
  const member = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["idna==3.10"]\n'
  return {
    'pyproject.toml': `[project]
name = "an-app"
version = "1"
requires-python = ">=3.11"
dependencies = ["x"]
[tool.uv.sources]
x = { workspace = true }
[tool.uv.workspace]
members = ["libs/*"]
[[tool.uv.index]]
url = "${index}"
default = true
`,
    'libs/x/pyproject.toml': `${member}[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n`,
  }
}

/** What uv locks for these files. */
async function uvLock(files: Record<string, string>): Promise<string> {
  const write = Object.entries(files).map(
    ([path, text]) => `mkdir -p $(dirname ${path}) && base64 -d >${path} <<<${Buffer.from(text).toString('base64')}`,
  )
  const uv = 'python3 -m venv /tmp/uv && /tmp/uv/bin/pip install --quiet uv >&2'
  const script = `${uv} && mkdir /tmp/app && cd /tmp/app\n${write.join('\n')}\nUV_SYSTEM_CERTS=1 /tmp/uv/bin/uv lock >&2 && cat uv.lock`
  const argv = ['run', '--rm', '--entrypoint=bash', await builder.buildImage(), '-ec', script]
  return (await promisify(execFile)('docker', argv)).stdout
}

/** Config vars of somebody's mirror of Python builds, which has Debian 12's Python laid out as those that uv knows. */
async function pythonMirror(): Promise<Record<string, string>> {
  const name = 'cpython-3.11.2-linux-x86_64-gnu'
  const script = `
    sed -i s/trixie/bookworm/ /etc/apt/sources.list
    apt-get update >&2 && cd /tmp && apt-get download python3.11-minimal libpython3.11-minimal libpython3.11-stdlib >&2
    for archive in *.deb; do dpkg --extract $archive debian; done
    mkdir -p python/bin python/lib && mv debian/usr/bin/python3.11 python/bin/ && mv debian/usr/lib/python3.11 python/lib/
    rm python/lib/python3.11/sitecustomize.py && ln -s python3.11 python/bin/python3 && ln -s python3.11 python/bin/python
    tar -c python | gzip -1`
  const image = await builder.buildImage()
  const argv = ['run', '--rm', '--user=root', '--entrypoint=bash', image, '-ec', script]
  const { stdout } = await promisify(execFile)('docker', argv, { encoding: 'buffer', maxBuffer: 2 ** 26 })
  const url = host.server.put(`${name}.tar.gz`, stdout)
  const [major, minor, patch] = [3, 11, 2]
  const build = {
    name: 'cpython',
    arch: { family: process.arch === 'x64' ? 'x86_64' : 'aarch64', variant: null },
    os: 'linux',
    libc: 'gnu',
    major,
    minor,
    patch,
    prerelease: '',
    url,
    sha256: null,
    variant: null,
  }
  const list = host.server.put('pythons.json', Buffer.from(JSON.stringify({ [name]: build })))
  return { UV_PYTHON_DOWNLOADS_JSON_URL: list }
}

/** The address that pip asks in a build: the default in its help. */
async function pipsIndex(): Promise<string> {
  const { output } = await runIn({ image: await builder.buildImage() }, 'COLUMNS=500 python3 -m pip install --help')
  const index = /--index-url <url>[^]*?\(default\s+(\S+?)\)/.exec(output)?.[1]
  if (index === undefined) throw new Error(`pip names no index:\n${output}`)
  return index
}

function localPackage(code: string): Record<string, string> {
  return {
    'libs/x/setup.py': 'from setuptools import setup\nsetup(name="x", version="1", py_modules=["x"])\n',
    'libs/x/x.py': `${code}\n`,
  }
}
