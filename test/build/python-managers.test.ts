import { afterAll, describe, expect, it } from 'vitest'
import { Builder, runIn } from './builder.ts'

const builder = new Builder()
afterAll(() => builder[Symbol.asyncDispose]())

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
