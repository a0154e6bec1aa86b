import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packsDirectory } from '../../src/build/packs.ts'
import { tarballOf } from '../helpers/tarball.ts'
import { Builder } from './builder.ts'

type Files = Record<string, string | Buffer>
/** @param program of the pack's, which is asked about it */
type App = { files: Files; env?: Record<string, string>; program?: 'plan' | 'plan/python.py' }
type Plan = { manager: string; source: string; project: boolean; key: string; warnings: string[] }
type Refused = { reason: string; remedy: string }

const builder = new Builder()
afterAll(() => builder[Symbol.asyncDispose]())

/** Of all tests, looked at in one container before the first of them. */
const apps: App[] = []
let answers: string[] = []
beforeAll(async () => {
  answers = await ask(apps)
})

/** What the pack will say of an app: to be called in a test. */
function planOf(files: Files, env: App['env'] = {}): () => Plan | Refused | undefined {
  const at = apps.push({ files, env }) - 1
  return () => parse(answers[at] ?? '')
}

/** Which Python its files ask for, where, and whether 3.13.5 is one. */
function pythonOf(files: Files): () => string[] {
  const at = apps.push({ files, program: 'plan/python.py' }) - 1
  return () => (answers[at] ?? '').split('\n').slice(0, -1)
}

function keyOf(files: Files, env?: App['env']): () => string | undefined {
  const plan = planOf(files, env)
  return () => {
    const found = plan()
    return found && 'key' in found ? found.key : undefined
  }
}

const outdated = (lock: string, command: string) =>
  `No ${lock}: every build may get other versions. Run ${command} and commit it.`
const project = (rest: string) => `[project]\nname = "an-app"\nversion = "1"\n${rest}\n`
const poetry = '[tool.poetry]\nname = "an-app"\nversion = "1"\n[tool.poetry.dependencies]\nidna = "3.10"\n'
const pipfile = '[packages]\nidna = "==3.10"\n'
const locked = (source: string) => `version = 1\n[[package]]\nname = "x"\nversion = "1"\nsource = ${source}\n`
const uv = (source: string): Files => ({ 'pyproject.toml': project(''), 'uv.lock': locked(source) })
/** Of which x is a member. */
function workspaceOfUv(revision: string) {
  const members = `revision = ${revision}\n[manifest]\nmembers = ["an-app", "x"]\n`
  return {
    'pyproject.toml': project('dependencies = ["x"]\n[tool.uv.sources]\nx = { workspace = true }'),
    'uv.lock': locked('{ editable = "libs/x" }').replace('\n', `\n${members}`),
  }
}

describe('what a Python app needs', () => {
  const said: [string, Files, Partial<Plan>][] = [
    [
      'requirements.txt, even beside others',
      { 'requirements.txt': '', Pipfile: pipfile, 'setup.py': '' },
      pip('requirements.txt'),
    ],
    [
      'uv.lock, even beside requirements.txt',
      { ...uv('{ registry = "https://x/" }'), 'requirements.txt': '' },
      by('uv', 'uv.lock'),
    ],
    ['poetry.lock', { 'pyproject.toml': poetry, 'poetry.lock': '' }, by('poetry', 'poetry.lock', true)],
    [
      'poetry.lock of an app that is no package',
      { 'pyproject.toml': '[tool.poetry]\npackage-mode = false\n', 'poetry.lock': '' },
      by('poetry', 'poetry.lock'),
    ],
    [
      '[tool.poetry.dependencies] without a lock file',
      { 'pyproject.toml': poetry },
      { ...by('poetry', 'pyproject.toml', true), warnings: [outdated('poetry.lock', 'poetry lock')] },
    ],
    ['Pipfile.lock', { Pipfile: pipfile, 'Pipfile.lock': '{"default": {}}' }, by('pipenv', 'Pipfile.lock')],
    [
      'a Pipfile beside a pyproject.toml for tools only',
      { Pipfile: pipfile, 'pyproject.toml': '[tool.ruff]\nline-length = 100\n' },
      { ...by('pipenv', 'Pipfile'), warnings: [outdated('Pipfile.lock', 'pipenv lock')] },
    ],
    ['dependencies in pyproject.toml', { 'pyproject.toml': project('dependencies = ["idna"]') }, pip('pyproject.toml')],
    [
      'dependencies that the build backend of pyproject.toml knows',
      { 'pyproject.toml': project('dynamic = ["dependencies"]') },
      { ...pip('pyproject.toml', true), key: '' },
    ],
    [
      '[tool.uv] without a lock file',
      { 'pyproject.toml': `${project('dependencies = ["idna"]')}[tool.uv]\n` },
      { ...by('uv', 'pyproject.toml'), warnings: [outdated('uv.lock', 'uv lock')] },
    ],
    ['setup.py', { 'setup.py': '' }, { ...pip('setup.py', true), key: '' }],
    [
      'setup.py beside a pyproject.toml for tools only',
      { 'setup.py': '', 'pyproject.toml': '' },
      pip('setup.py', true),
    ],
    [
      'nothing, which is said',
      { 'pyproject.toml': '[tool.ruff]\n' },
      { ...pip('pyproject.toml'), warnings: ['pyproject.toml names no dependencies: none are installed.'] },
    ],
    [
      'another lock file than one that is there, which is said',
      { 'requirements.txt': '', 'poetry.lock': '', 'pyproject.toml': poetry },
      { ...pip('requirements.txt'), warnings: ['poetry.lock is not used: requirements.txt decides.'] },
    ],
  ]
  it.each(said.map(([name, files, expected]) => [name, planOf(files), expected] as const))(
    'is what it says in %s',
    (_, plan, expected) => {
      expect(plan()).toMatchObject(expected)
    },
  )

  const refused: [string, Files, Refused][] = [
    ['uv.lock without pyproject.toml', { 'uv.lock': '' }, missing('uv.lock', 'pyproject.toml')],
    ['Pipfile.lock without Pipfile', { 'Pipfile.lock': '' }, missing('Pipfile.lock', 'Pipfile')],
    [
      'a Pipfile for another Python',
      { Pipfile: '[requires]\npython_version = "3.9"\n' },
      {
        reason: 'Pipfile requires Python 3.9, but another file asks for 3.13',
        remedy: 'Write python_version = "3.13" into Pipfile, run pipenv lock and push again.',
      },
    ],
    [
      'a Pipfile.lock with conflict markers',
      { Pipfile: pipfile, 'Pipfile.lock': '<<<<<<<' },
      { reason: 'Pipfile.lock is not JSON', remedy: 'Expecting value: line 1 column 1 (char 0)' },
    ],
  ]
  it.each(refused.map(([name, files, expected]) => [name, planOf(files), expected] as const))(
    'cannot be said by %s',
    (_, plan, expected) => {
      expect(plan()).toEqual(expected)
    },
  )
})

describe('which Python an app needs', () => {
  const poetryNeeds = (python: string) => ({ 'pyproject.toml': `[tool.poetry.dependencies]\npython = "${python}"\n` })
  const needs: [string, Files, string[]][] = [
    [
      'requires-python',
      { 'pyproject.toml': project('requires-python = ">=3.12,<4"') },
      ['>=3.12,<4', 'pyproject.toml', 'yes'],
    ],
    ['a newer one', { 'pyproject.toml': project('requires-python = ">=3.14"') }, ['>=3.14', 'pyproject.toml', '']],
    ['a caret of Poetry', poetryNeeds('^3.12'), ['>=3.12,<4', 'pyproject.toml', 'yes']],
    ['a tilde of Poetry', poetryNeeds('~3.12.1'), ['>=3.12.1,<3.13', 'pyproject.toml', '']],
    ['a series for Poetry', poetryNeeds('3.12'), ['==3.12.*', 'pyproject.toml', '']],
    ['two bounds for Poetry', poetryNeeds('>=3.11,<3.14'), ['>=3.11,<3.14', 'pyproject.toml', 'yes']],
    [
      'another bug-fix release in Pipfile',
      { Pipfile: '[requires]\npython_full_version = "3.13.1"\n' },
      ['3.13.1', 'Pipfile', 'yes'],
    ],
    ['nothing', { 'pyproject.toml': project('') }, []],
    ['what is no version', { 'pyproject.toml': project('requires-python = "three"') }, []],
  ]
  it.each(needs.map(([name, files, expected]) => [name, pythonOf(files), expected] as const))(
    'is read from its files: %s',
    (_, python, expected) => {
      expect(python()).toEqual(expected)
    },
  )
})

describe('what was installed is kept', () => {
  const flat: Files = { 'requirements.txt': 'idna\n' }

  const deciding: [string, Files, Files][] = [
    ['requirements.txt', flat, { 'requirements.txt': 'idna<3\n' }],
    [
      'a file that -r names, in another directory',
      { 'requirements.txt': '-r deps/base.in', 'deps/base.in': 'a' },
      { 'deps/base.in': 'b' },
    ],
    ['a file that --constraint= names', { 'requirements.txt': '--constraint=c', c: 'a' }, { c: 'b' }],
    [
      'a file that -c names in a file that -r names, from where that is',
      { 'requirements.txt': 'x\n-rdeps/base.in', 'deps/base.in': 'idna \\\n  ; a\n# no \\\n-c ../c.in', 'c.in': 'a' },
      { 'c.in': 'b' },
    ],
    ['a wheel in the app', { 'requirements.txt': './wheels/x.whl', 'wheels/x.whl': 'a' }, { 'wheels/x.whl': 'b' }],
    ['what --find-links offers', { 'requirements.txt': '-f wheels\nx', 'wheels/x.whl': 'a' }, { 'wheels/y.whl': 'b' }],
    [
      'a file that -r names in UTF-16',
      { 'requirements.txt': Buffer.from('\ufeff-r base.in', 'utf16le'), 'base.in': 'a' },
      { 'base.in': 'b' },
    ],
    [
      'pyproject.toml',
      { 'pyproject.toml': project('dependencies = ["idna"]') },
      { 'pyproject.toml': project('dependencies = ["a"]') },
    ],
    ['uv.lock', uv('{ registry = "https://x/" }'), { 'uv.lock': locked('{ url = "https://x/" }') }],
    ['uv.lock of a workspace', workspaceOfUv('1'), { 'uv.lock': workspaceOfUv('2')['uv.lock'] }],
    ['poetry.lock', { 'pyproject.toml': poetry, 'poetry.lock': '' }, { 'poetry.lock': '# other' }],
    ['Pipfile.lock', { Pipfile: pipfile, 'Pipfile.lock': '{"default":{}}' }, { 'Pipfile.lock': '{"default": {}}' }],
  ]
  for (const [what, files, change] of deciding) {
    const before = keyOf(files)
    const unrelated = keyOf({ ...files, 'robots.txt': 'x', 'requirements/dev.txt': 'x', 'app.py': 'x' })
    const after = keyOf({ ...files, ...change })
    it(`until ${what} changes`, () => {
      expect(before()).toMatch(/^[0-9a-f]{64}$/)
      expect(unrelated()).toBe(before())
      expect(after()).toMatch(/^[0-9a-f]{64}$/)
      expect(after()).not.toBe(before())
    })
  }

  const env = { PIP_CONSTRAINT: 'c.in' }
  const without = keyOf({ ...flat, 'c.in': 'a' })
  const before = keyOf({ ...flat, 'c.in': 'a' }, env)
  const again = keyOf({ ...flat, 'c.in': 'a' }, { ...env, OTHER: 'x' })
  const other = keyOf({ ...flat, 'c.in': 'b' }, env)
  it('until settings of the package manager change, or a file they name', () => {
    expect(again()).toBe(before())
    expect(new Set([without(), before(), other()]).size).toBe(3)
  })

  const package_ = { 'libs/x/setup.py': '' }
  const ownFiles: [string, Files][] = [
    ['-e .', { 'requirements.txt': '-e .' }],
    ['--editable=libs/x[extra]', { 'requirements.txt': '--editable=libs/x[extra]', ...package_ }],
    ['libs/x', { 'requirements.txt': 'libs/x', ...package_ }],
    ['libs/x with extras and a marker', { 'requirements.txt': 'libs/x[a] ; python_version > "3"', ...package_ }],
    ['x @ file:', { 'requirements.txt': 'x @ file:libs/x', ...package_ }],
    ['./libs/x in a file that -r names', { 'requirements.txt': '-r deps/a', 'deps/a': './libs/x', ...package_ }],
    ['-r with an address', { 'requirements.txt': '-r https://example.com/requirements.txt' }],
    ['file: in pyproject.toml', { 'pyproject.toml': project('dependencies = ["x @ file:///app/libs/x"]') }],
    ['a directory in uv.lock', uv('{ directory = "libs/x" }')],
    ['what is installed in place in uv.lock', uv('{ editable = "libs/x" }')],
    [
      'a path in [tool.uv.sources]',
      { 'pyproject.toml': `${project('')}[tool.uv.sources]\nx = { path = "libs/x" }`, ...package_ },
    ],
    [
      'a workspace in [tool.uv.sources]',
      { 'pyproject.toml': `${project('')}[tool.uv.sources]\nx = [{ workspace = true, editable = true }]` },
    ],
    ['a path in [tool.poetry.dependencies]', { 'pyproject.toml': `${poetry}x = { path = "libs/x" }`, ...package_ }],
    [
      'a directory in poetry.lock',
      {
        'pyproject.toml': poetry,
        'poetry.lock': '[[package]]\nname = "x"\n[package.source]\ntype = "directory"\nurl = "libs/x"\n',
      },
    ],
    ['a path in Pipfile', { Pipfile: `${pipfile}x = { path = "libs/x" }`, ...package_ }],
    ['a file in Pipfile.lock', { Pipfile: pipfile, 'Pipfile.lock': '{"default": {"x": {"file": "file:///app/x"}}}' }],
  ]
  it.each(ownFiles.map(([name, files]) => [name, keyOf(files)] as const))(
    'but not with %s, which is made anew',
    (_, key) => {
      expect(key()).toBe('')
    },
  )

  const others: [string, Files][] = [
    ['a directory with the name of a package', { 'requirements.txt': 'flask', 'flask/app.py': '' }],
    ['an editable package from git', { 'requirements.txt': '-e git+https://example.com/x.git#egg=x' }],
    ['a package from an address', { 'requirements.txt': 'x @ https://example.com/x.whl' }],
    ['the app itself as a package in uv.lock', uv('{ editable = "." }')],
    ['a comment', { 'requirements.txt': 'idna  # -e ./libs\n# -e .\n' }],
  ]
  it.each(others.map(([name, files]) => [name, keyOf(files)] as const))('with %s', (_, key) => {
    expect(key()).toMatch(/^[0-9a-f]{64}$/)
  })
})

function by(manager: string, source: string, isProject = false): Partial<Plan> {
  return { manager, source, project: isProject }
}

function pip(source: string, isProject = false): Partial<Plan> {
  return by('pip', source, isProject)
}

function missing(lock: string, source: string): Refused {
  return { reason: `${lock} without ${source}`, remedy: `Commit ${source} too: it lists the dependencies.` }
}

/** What the pack's program says of each app, all in one container of the build image. */
async function ask(all: App[]): Promise<string[]> {
  const program = join(packsDirectory, 'python/lib/plan')
  const files: Files = Object.fromEntries(
    readdirSync(program).map((name) => [`plan/${name}`, readFileSync(join(program, name), 'utf8')]),
  )
  for (const [at, app] of all.entries()) {
    files[`env/${at}`] = Object.entries(app.env ?? {})
      .map((pair) => pair.join('='))
      .join('\n')
    files[`programs/${at}`] = app.program ?? 'plan'
    files[`apps/${at}/.keep`] = ''
    for (const [name, content] of Object.entries(app.files)) files[`apps/${at}/${name}`] = content
  }
  const script = `tar xz && for ((at = 0; at < ${all.length}; at++)); do
    (cd apps/$at && env $(cat ../../env/$at) python3 -IB "/tmp/$(cat ../../programs/$at)" 3.13.5 ""); printf '%s\\0' "$?"; done`
  const output = await inBuildImage(script, await tarballOf(files))
  return output.split(/(?<=\d)\0/).slice(0, -1)
}

function parse(text: string): Plan | Refused {
  const lines = text.split('\n')
  const status = lines.pop()
  const [manager = '', source = '', isProject = '', foundKey = '', ...warnings] = lines
  if (status !== '0') return { reason: manager, remedy: source }
  return { manager, source, project: isProject !== '', key: foundKey, warnings }
}

async function inBuildImage(script: string, input: Buffer): Promise<string> {
  const argv = ['run', '--rm', '--interactive', '--network=none', '--workdir=/tmp', '--entrypoint=bash']
  const image = await builder.buildImage()
  return new Promise((settle, reject) => {
    const child = execFile('docker', [...argv, image, '-c', script], (error, stdout, stderr) => {
      if (error || stderr) reject(error ?? new Error(stderr))
      else settle(stdout)
    })
    child.stdin?.end(input)
  })
}
