import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Builder, runIn, type AppBuilder } from './builder.ts'

const builder = new Builder()
afterAll(() => builder[Symbol.asyncDispose]())

const flask = { 'app.py': 'from flask import Flask\n\napp = Flask(__name__)\n', 'requirements.txt': 'flask==3.1.3\n' }
/** One for tests that need no cache of their own. */
let shared: AppBuilder
beforeAll(async () => {
  shared = await builder.app({ 'requirements.txt': '' })
})
afterAll(() => shared?.[Symbol.asyncDispose]())

const small = { 'requirements.txt': 'idna==3.10\n' }

describe('a Python app', () => {
  it('of Flask is served by gunicorn if that is there', async () => {
    await using app = await builder.app('python-flask')
    const result = await app.build()
    expect(result).toMatchObject({
      buildpack: 'Python',
      processTypes: { web: 'gunicorn --bind 0.0.0.0:$PORT app:app' },
    })
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ status: 200, body: 'Hello from Flask\n' })
    expect((await runIn(result, 'echo $WEB_CONCURRENCY', '--memory=512m')).output).toBe('2\n')
    expect((await runIn(result, 'echo $WEB_CONCURRENCY', '--memory=100m')).output).toBe('1\n')
  })

  it('of Flask is served by Flask otherwise', async () => {
    await using app = await builder.app(flask)
    const result = await app.build()
    expect(result.processTypes).toEqual({ web: 'flask --app app:app run --host 0.0.0.0 --port $PORT' })
    await using running = await app.serve(result)
    expect((await running.get('/')).status).toBe(404)
  })

  it('gets its packages from the cache until requirements.txt changes, and never with no-cache', async () => {
    await using app = await builder.app(small)
    await app.build()
    expect(app.output).toContain('Successfully installed idna-3.10')
    await app.commit({ 'main.py': 'print("hello")\n' })
    const again = await app.build()
    expect(app.output).toContain('requirements.txt has not changed: restoring the environment from the cache')
    expect((await runIn(again, 'python -c "import idna; print(idna.__version__)"')).output).toBe('3.10\n')
    await app.commit({ 'requirements.txt': 'idna==3.9\n' })
    await app.build()
    expect(app.output).toContain('Successfully installed idna-3.9')
    await app.build({ noCache: true })
    expect(app.output).toContain('Successfully installed idna-3.9')
  })

  it('may say what it needs in pyproject.toml', async () => {
    await using app = await builder.app({
      'pyproject.toml': '[project]\nname = "an-app"\nversion = "1"\ndependencies = ["idna==3.10"]\n',
      Procfile: 'worker: python worker.py\n',
    })
    const result = await app.build()
    expect(result.processTypes).toEqual({ worker: 'python worker.py' })
    expect((await runIn(result, 'python -c "import idna; print(idna.__version__)"')).output).toBe('3.10\n')
  })

  it('is installed by uv as uv.lock says', async () => {
    const lock =
      'version = 1\nrevision = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "an-app"\nversion = "1"\nsource = { virtual = "." }\n'
    await using app = await builder.app({
      'pyproject.toml': '[project]\nname = "an-app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = []\n',
      'uv.lock': lock,
      Procfile: 'worker: python worker.py\n',
    })
    const result = await app.build()
    expect(app.output).toContain('-----> Installing dependencies with uv')
    expect((await runIn(result, 'python -c "import sys; print(sys.prefix)"')).output).toBe('/app/.paas/python\n')

    await app.commit({
      'pyproject.toml':
        '[project]\nname = "an-app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["idna"]\n',
    })
    await expect(app.build()).rejects.toThrow('build failed: uv.lock does not match pyproject.toml')
  })

  it('of Django gets its static files collected where its settings say', async () => {
    await using app = await builder.app(django('STATIC_ROOT = BASE / "collected"'))
    const result = await app.build()
    expect(app.output).toMatch(/-----> Collecting static files\s+\d+ static files copied/)
    expect((await runIn(result, 'ls collected')).output).toBe('admin\n')
    const inGerman = `import django, django.utils.translation as t; django.setup(); t.activate("de"); print(t.gettext("yes,no,maybe"))`
    const asked = await runIn(result, `DJANGO_SETTINGS_MODULE=settings python -c '${inGerman}'`)
    expect(asked.output).toBe('Ja,Nein,Vielleicht\n')
    expect((await runIn(result, 'find .paas/python -name django.po')).output).toBe('')
    expect(result.processTypes['web']).toBe('python manage.py runserver --noreload 0.0.0.0:$PORT')
    await app.build({ config: { DISABLE_COLLECTSTATIC: '1' } })
    expect(app.output).not.toContain('Collecting static files')
  })

  it('of Django whose settings cannot be read fails, and says how to go on', async () => {
    await using app = await builder.app(django('SECRET_KEY = os.environ["DJANGO_SECRET"]'))
    await expect(app.build()).rejects.toThrow('build failed: manage.py diffsettings exited with 1')
    expect(app.output).toContain("KeyError: 'DJANGO_SECRET'")
    expect(app.output).toContain('DISABLE_COLLECTSTATIC=1')
    await app.build({ config: { DJANGO_SECRET: 'a-long-secret' } })
    await app.commit({ 'settings.py': 'import environ\n' })
    await expect(app.build()).rejects.toThrow('build failed: the module environ is not installed')
    await app.commit(django(''))
    await app.build()
    expect(app.output).toContain('STATIC_ROOT is not set: nothing to collect')
  })
})

describe('a Python app fails to build', () => {
  it.each([
    [
      'a package that does not exist',
      { 'requirements.txt': 'idna==999.0\n' },
      'no version of idna==999.0 for Python 3.13',
    ],
    [
      'a package that needs a Debian package to be compiled',
      { 'requirements.txt': './libs/x\n', ...compiled('#include <sasl/sasl.h>') },
      'x needs sasl/sasl.h, of the Debian package libldap-dev',
    ],
    [
      'an index that is away',
      { 'requirements.txt': '--index-url http://127.0.0.1:9/simple\nidna==3.10\n' },
      'the package index is not reached',
    ],
    [
      'a Python that is none',
      { ...small, '.python-version': '# ours\n$(three)\n' },
      '.python-version asks for Python $(three), which is no version',
    ],
    ['nothing that says what it needs', { 'manage.py': '' }, 'no requirements.txt, pyproject.toml or Pipfile'],
    ['a pyproject.toml that is not TOML', { 'pyproject.toml': '[project' }, 'pyproject.toml is not TOML'],
  ])('with %s', async (_, files: Record<string, string>, reason) => {
    await shared.replace(files)
    await expect(shared.build()).rejects.toMatchObject({ code: 'build_failed', message: `build failed: ${reason}` })
    expect(shared.output).toMatch(/^ !     \S/m)
  })
})

function compiled(line: string): Record<string, string> {
  const extension = 'ext_modules=[Extension("x", ["x.c"])]'
  return {
    'libs/x/setup.py': `from setuptools import Extension, setup\nsetup(name="x", version="1", ${extension})\n`,
    'libs/x/x.c': `${line}\n`,
  }
}

function django(settings: string): Record<string, string> {
  return {
    'requirements.txt': 'django==5.2.8\n',
    'manage.py':
      'import os, sys\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n',
    'settings.py': `import os, pathlib\nBASE = pathlib.Path(__file__).parent\nSECRET_KEY = "x"\nINSTALLED_APPS = ["django.contrib.staticfiles", "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes"]\nSTATIC_URL = "static/"\n${settings}\n`,
  }
}
