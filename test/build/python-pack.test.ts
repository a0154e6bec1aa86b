import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packsDirectory } from '../../src/build/packs.ts'

type Files = Record<string, string>
type Asked = { files?: Files; installed?: string; log?: string; run: string }

/** What functions of the pack say and decide in an app with these files, where these programs are installed. */
function ask({ files = {}, installed = '', log = '', run }: Asked) {
  const directory = mkdtempSync(join(tmpdir(), 'paas-python-'))
  const path = (name: string) => join(directory, 'app', name)
  const programs = installed.split(' ').filter(Boolean)
  const all = { ...files, '.paas/run.log': log, ...Object.fromEntries(programs.map((name) => [programAt(name), ''])) }
  try {
    for (const [name, content] of Object.entries(all)) {
      mkdirSync(dirname(path(name)), { recursive: true })
      writeFileSync(path(name), content)
    }
    for (const name of programs) chmodSync(path(programAt(name)), 0o755)
    const sources = [
      'lib/common',
      'python/lib/dependencies',
      'python/lib/explain',
      'python/lib/procfile',
      'python/lib/web',
    ]
    const lines = sources.map((name) => `source ${join(packsDirectory, name)}.sh`)
    const settings =
      'environment=.paas/python run_log=.paas/run.log python_version=3.13.5 source_file=requirements.txt project='
    const script = ['set -euo pipefail', ...lines, settings, run].join('\n')
    const env = { PATH: process.env['PATH'], PAAS_REASON_FILE: path('.paas/reason') }
    const { stdout } = spawnSync('bash', ['-c', script], { cwd: path(''), env, encoding: 'utf8' })
    return { said: stdout, web: read(path('.paas/web')), reason: read(path('.paas/reason')) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function programAt(name: string): string {
  return `.paas/python/bin/${name}`
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

const uvicorn = 'uvicorn --host 0.0.0.0 --port $PORT --proxy-headers'
const django = { 'manage.py': '', 'shop/wsgi.py': '', 'shop/asgi.py': '' }

describe('without a Procfile', () => {
  it.each([
    [
      'Streamlit',
      'streamlit',
      { 'a.py': 'import os\n', 'Home.py': 'import streamlit as st\n' },
      'streamlit run Home.py --server.port $PORT --server.address 0.0.0.0 --server.headless true',
    ],
    ['FastAPI', 'uvicorn', { 'main.py': 'app = FastAPI()\n' }, `${uvicorn} main:app`],
    [
      'FastAPI in a package',
      'uvicorn',
      { 'app/main.py': 'x: fastapi.FastAPI = fastapi.FastAPI(a=1)\n' },
      `${uvicorn} app.main:x`,
    ],
    ['Starlette', 'uvicorn', { 'b.py': 'site = Starlette(routes=[])\n' }, `${uvicorn} b:site`],
    ['Quart', 'hypercorn', { 'api.py': 'app = Quart(__name__)\n' }, 'hypercorn --bind 0.0.0.0:$PORT api:app'],
    ['Flask', 'gunicorn flask', { 'app.py': 'app = Flask(__name__)\n' }, 'gunicorn --bind 0.0.0.0:$PORT app:app'],
    [
      'Flask in a package',
      'gunicorn',
      { 'shop/__init__.py': '', 'app/__init__.py': 'app = Flask(__name__)\n' },
      'gunicorn --bind 0.0.0.0:$PORT app:app',
    ],
    [
      'Flask with a factory',
      'gunicorn flask',
      { 'shop/__init__.py': 'def create_app(config=None):\n' },
      "gunicorn --bind 0.0.0.0:$PORT 'shop:create_app()'",
    ],
    ['Django', 'django-admin gunicorn uvicorn', django, 'gunicorn --bind 0.0.0.0:$PORT shop.wsgi'],
    ['Django with ASGI', 'django-admin uvicorn', django, `${uvicorn} shop.asgi:application`],
    ['Django alone', 'django-admin', django, 'python manage.py runserver --noreload 0.0.0.0:$PORT'],
  ])('an app of %s is served in the usual way', (_, installed, files: Files, web) => {
    expect(ask({ files, installed, run: 'choose_web' }).web).toBe(web)
  })

  it.each([
    ['FastAPI', { 'main.py': 'app = FastAPI()\n' }, 'Add uvicorn to the dependencies'],
    ['Flask', { 'app.py': 'app = Flask(__name__)\n' }, 'Add gunicorn to the dependencies'],
    ['nothing that is known', { 'work.py': '' }, 'No Procfile, and no Django, FastAPI, Flask or Streamlit app'],
  ])('an app of %s and no server is told what is missing', (_, files: Files, line) => {
    const { said, web } = ask({ files, run: 'choose_web' })
    expect(web).toBeUndefined()
    expect(said).toContain(` !     ${line}`)
  })
})

describe('a Procfile', () => {
  it('that runs a server which is not installed is refused', () => {
    const { said, reason } = ask({
      files: { Procfile: 'web: gunicorn-not app:app\nworker: dramatiq app\n' },
      run: 'choose_web',
    })
    expect(reason).toBe('Procfile: worker runs dramatiq, which is not installed')
    expect(said).toContain(' !     Add dramatiq to the dependencies')
  })

  it('that loads a module which is not there is warned of, and one that is there is not', () => {
    const loads = (module: string) => ({ Procfile: `web: gunicorn -w 2 ${module}:app --preload\n`, 'shop/wsgi.py': '' })
    const asked = (module: string) => ask({ files: loads(module), installed: 'gunicorn', run: 'choose_web' }).said
    expect(asked('shop.web')).toContain(' !     Procfile: web loads shop.web, and there is no shop/web.py')
    expect(asked('shop.wsgi')).toBe('')
  })
})

describe('of the environment', () => {
  const packages = '.paas/python/lib/python3.13/site-packages'
  const left = (files: Files) =>
    ask({ files, run: `drop_message_sources; find ${packages} -name "*.?o" -printf "%f\\n" | sort` }).said
  const messages = Object.fromEntries(
    ['de.po', 'de.mo', 'eo.po'].map((name) => [`${packages}/a/LC_MESSAGES/${name}`, '']),
  )

  it('sources of translations go where they are compiled, and nothing else', () => {
    expect(left(messages)).toBe('de.mo\neo.po\n')
    expect(left({ [`${packages}/six.py`]: '', [`${packages}/a/de.po`]: '', [`${packages}/a/de.mo`]: '' })).toBe(
      'de.mo\nde.po\n',
    )
  })

  it.each(['polib.py', 'translate/__init__.py'])('sources of translations stay with what reads them: %s', (reader) => {
    expect(left({ ...messages, [`${packages}/${reader}`]: '' })).toBe('de.mo\nde.po\neo.po\n')
  })
})

describe('an installation that fails', () => {
  it.each([
    [
      'ERROR: No matching distribution found for pywin32==310',
      'pywin32==310 is for Windows',
      'pywin32==310; sys_platform == "win32"',
    ],
    [
      'ERROR: Ignored the following versions that require a different python version: 2.3 Requires-Python >=3.6,<3.9; 2.2\nERROR: No matching distribution found for tensorflow==2.3',
      'no version of tensorflow==2.3 for Python 3.13',
      'Some are for other Pythons (>=3.6,<3.9): write one into .python-version.',
    ],
    [
      "WARNING: Retrying after connection broken by 'NewConnectionError('x')'\nERROR: No matching distribution found for flask",
      'the package index is not reached',
      'paas config:set PIP_INDEX_URL=',
    ],
    [
      'ERROR: Cannot install idna==3.10 and requests==2.19.1 because these package versions have conflicting dependencies.',
      'the versions that are asked for do not go together',
      'Loosen one of them',
    ],
    [
      "ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory: '/croot/requests_1/work'",
      'requirements.txt names files of another machine',
      'pip list --format=freeze',
    ],
    [
      'Modules/LDAPObject.c:16:10: fatal error: sasl/sasl.h: No such file or directory\nERROR: Failed building wheel for python-ldap',
      'python-ldap needs sasl/sasl.h, of the Debian package libldap-dev',
      'Write libldap-dev and libsasl2-dev into a file Aptfile',
    ],
    [
      'x.c:1:10: fatal error: odd.h: No such file or directory\nFailed to build `odd==1`',
      'odd needs odd.h, which is not there',
      'into a file Aptfile',
    ],
    ['/usr/bin/ld: cannot find -lFoo\nFailed to build foo', 'foo needs the library Foo', 'probably libfoo-dev'],
    [
      "error: can't find Rust compiler\nFailed to build tiktoken",
      'tiktoken is compiled with Rust here',
      'Take a newer version',
    ],
    [
      "ModuleNotFoundError: No module named 'distutils'\nFailed to build numpy",
      'numpy is too old for Python 3.13',
      '.python-version',
    ],
    ['something else', 'pip install exited with 2', 'The lines above say why'],
  ])('is explained: %s', (log, reason, remedy) => {
    const answer = ask({ log: `${log}\n`, run: "explain_install 'pip install' 2" })
    expect(answer.reason).toBe(reason)
    expect(answer.said).toContain(remedy)
  })
})
