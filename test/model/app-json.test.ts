import { describe, expect, it } from 'vitest'
import { parseAppJson } from '../../src/model/app-json.ts'

const parse = (value: unknown) => parseAppJson(JSON.stringify(value))

describe('an app.json', () => {
  it('gives what a deploy and a set-up need of it', () => {
    const appJson = parse({
      name: 'Acme',
      addons: ['heroku-postgresql'],
      env: {
        PLAIN: 'text',
        LONG: { description: 'a value', value: 'x y' },
        SECRET: { generator: 'secret' },
        ASKED: { description: 'your key' },
        MAYBE: { required: false },
      },
      formation: { web: { quantity: 2, size: 'Standard-1X' }, worker: { quantity: 0 } },
      healthcheck: { path: '/up?full=1' },
      buildpacks: [{ url: 'heroku/nodejs' }, 'https://example.com/pack.git#v1'],
      scripts: { postdeploy: 'node seed.js', test: 'npm test' },
      stack: 'heroku-24',
      success_url: '/welcome',
      environments: { test: { scripts: { test: 1 } } },
    })
    expect(appJson).toEqual({
      env: {
        PLAIN: { kind: 'value', value: 'text' },
        LONG: { kind: 'value', value: 'x y' },
        SECRET: { kind: 'secret' },
        ASKED: { kind: 'given', required: true, description: 'your key' },
        MAYBE: { kind: 'given', required: false, description: null },
      },
      formation: { web: { quantity: 2, size: 'Standard-1X' }, worker: { quantity: 0, size: null } },
      healthcheck: '/up?full=1',
      addons: [{ plan: 'heroku-postgresql', as: null }],
      buildpacks: ['heroku/nodejs', 'https://example.com/pack.git#v1'],
      postdeploy: 'node seed.js',
      stack: 'heroku-24',
      successUrl: '/welcome',
    })
  })

  it('may say nothing at all', () => {
    const rest = { healthcheck: null, addons: [], buildpacks: [], postdeploy: null, stack: null, successUrl: null }
    const nothing = { env: {}, formation: {}, ...rest }
    expect(parse({})).toEqual(nothing)
    expect(parseAppJson('\uFEFF{"env":null,"scripts":null,"healthchecks":{}}')).toEqual(nothing)
  })

  it.each([
    [{ healthcheck: '/a' }, '/a'],
    [{ healthchecks: { web: [{ type: 'startup', uptime: 3 }, { path: '/b' }, { path: '/c' }] } }, '/b'],
    [{ healthchecks: { worker: [{ path: '/b' }] } }, null],
  ])('%j names the health check %j', (value, path) => {
    expect(parse(value).healthcheck).toBe(path)
  })

  it('may name the postdeploy command as an object', () => {
    expect(parse({ scripts: { postdeploy: { command: 'rake', size: 'eco' } } }).postdeploy).toBe('rake')
  })

  it('takes a variable without a value for one that has to be given, and its value for more than its generator', () => {
    const { env } = parse({ env: { A: '', B: { value: '' }, C: { value: 'x', generator: 'secret' } } })
    expect([env['A'], env['B'], env['C']]).toMatchObject([
      { kind: 'value', value: '' },
      { kind: 'given', required: true },
      { kind: 'value', value: 'x' },
    ])
  })

  it.each<[unknown, string]>([
    [[], 'the file is []; it must be an object'],
    [{ env: [] }, 'env is []; it must be an object'],
    [{ env: { A: 5 } }, 'env.A is 5; it must be an object'],
    [{ env: { A: { value: 5 } } }, 'env.A.value is 5; it must be text in quotation marks'],
    [{ env: { A: { required: 'no' } } }, 'env.A.required is "no"; it must be true or false'],
    [{ env: { A: { generator: 'uuid' } } }, 'env.A.generator is "uuid"; it must be "secret"'],
    [{ env: { 'A-B': 'x' } }, 'env.A-B has a name with characters other than letters, digits and _'],
    [{ env: { PORT: '1' } }, 'env.PORT is set by the platform itself'],
    [{ env: { A: 'x\0' } }, 'env.A has a value with a NUL byte, which an environment variable cannot have'],
    [{ formation: { web: 2 } }, 'formation.web is 2; it must be an object'],
    [
      { formation: { web: { quantity: '2' } } },
      'formation.web.quantity is "2"; it must be a whole number from 0 to 100',
    ],
    [
      { formation: { web: { quantity: 101 } } },
      'formation.web.quantity is 101; it must be a whole number from 0 to 100',
    ],
    [{ formation: { 'a b': {} } }, 'formation.a b is not a valid process type: letters, digits, - and _'],
    [{ healthcheck: 'up' }, 'healthcheck is "up"; it must be a path such as "/health", at most 1000 characters'],
    [
      { healthcheck: '/a\r\nX: y' },
      'healthcheck is "/a\\r\\nX: y"; it must be a path such as "/health", at most 1000 characters',
    ],
    [{ healthcheck: {} }, 'healthcheck.path is missing; it must be a path such as "/health", at most 1000 characters'],
    [{ buildpacks: [{ uri: 'x' }] }, 'buildpacks[0].url is missing; it must be text in quotation marks'],
    [{ scripts: { postdeploy: 'a\0b' } }, 'scripts.postdeploy has a NUL byte or is not valid Unicode'],
    [{ scripts: { postdeploy: ['x'] } }, 'scripts.postdeploy is ["x"]; it must be an object'],
  ])('%j is refused', (value, problem) => {
    const message = `app.json: ${problem}.`
    expect(() => parse(value)).toThrow(expect.objectContaining({ code: 'app_json_invalid', message }))
  })

  it('that is not JSON is refused with what is wrong', () => {
    expect(() => parseAppJson('{"env": }')).toThrow(/^app\.json is not JSON: Unexpected token/)
  })

  it('has no key that reaches beyond it', () => {
    expect(() => parseAppJson('{"env":{"__proto__":{"value":"x"}}}')).toThrow('begins with __')
    expect(parseAppJson('{"formation":{"__proto__":{"quantity":1}}}').formation).not.toHaveProperty('quantity')
  })
})
