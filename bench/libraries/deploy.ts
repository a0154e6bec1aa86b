import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { TestApp, type ServerAddress } from '../../test/helpers/app.ts'
import { request } from '../../test/helpers/http.ts'
import { TestRepository } from '../../test/helpers/repository.ts'
import { timedPush } from '../push.ts'

/** `file`, without its ending, in `apps`; `packages`: what it depends on, in the version that the registry calls `latest`. */
export type Library = { name: string; file: string; packages: string[] }

export type Deployed = AsyncDisposable & {
  library: Library
  app: TestApp
  /** Of its own packages, as `koa 3.3.0`. */
  versions: string[]
  /** How many the lock file has. */
  installed: number
  /** Of the dyno. */
  nodeVersion: string
  /** Milliseconds to served. */
  coldPush: number
  /** Changes one line, which is the text that it answers with; milliseconds to served. */
  pushLine(text: string): Promise<number>
}

const execute = promisify(execFile)

/** Pushes the app of a library for the first time; it serves, and answers as all do. */
export async function deployLibrary(server: ServerAddress, library: Library): Promise<Deployed> {
  const repository = await TestRepository.empty()
  await lock(repository, library)
  const locked = JSON.parse(await readFile(join(repository.path, 'package-lock.json'), 'utf8')) as LockFile
  const versionOf = (name: string) => locked.packages[`node_modules/${name}`]?.version ?? ''
  const source = await readFile(resolve(import.meta.dirname, 'apps', `${library.file}.js`), 'utf8')
  const app = await TestApp.create(server, repository)
  const push = (text: string) => timedPush(app, text, source.replace("'hello'", JSON.stringify(text)))
  const { total, output } = await push('cold')
  await answersAsAll(app)
  return {
    library,
    app,
    versions: library.packages.map((name) => `${name} ${versionOf(name)}`),
    installed: Object.keys(locked.packages).length - 1,
    nodeVersion: /Using Node\.js (\S+)/.exec(output)?.[1] ?? '',
    coldPush: total,
    pushLine: async (text) => (await push(text)).total,
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

/** Its keys are directories; '' is the app itself. */
type LockFile = { packages: Record<string, { version?: string }> }

async function lock(repository: TestRepository, { file, packages }: Library): Promise<void> {
  const manifest = { name: file, version: '1.0.0', private: true, type: 'module', scripts: { start: 'node server.js' } }
  await repository.write('package.json', JSON.stringify(manifest))
  await repository.write('Procfile', 'web: node server.js\n')
  const options = [
    '--package-lock-only',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--omit-lockfile-registry-resolved',
  ]
  await execute('npm', ['install', ...options, ...packages.map((name) => `${name}@latest`)], { cwd: repository.path })
}

/** @throws when it does not, so that no figure is of an app that does less than the others */
async function answersAsAll({ server, host }: TestApp): Promise<void> {
  const ask = async (method: string, path: string, body?: string) => {
    const headers = { 'content-type': 'application/json' }
    const given = body === undefined ? {} : { headers, body }
    const answer = await request({ port: server.port, host, method, path, ...given })
    return `${answer.status} ${answer.headers['content-type']?.split(';')[0]} ${answer.status === 200 ? answer.body : ''}`
  }
  const answers = [
    await ask('GET', '/'),
    await ask('GET', '/json/4%202'),
    await ask('POST', '/echo', '{"a":[1,2]}'),
    (await ask('POST', '/echo', '{"a":[1,2')).slice(0, 3),
    (await ask('GET', '/nothing')).slice(0, 3),
  ]
  const expected = [
    '200 text/plain cold',
    '200 application/json {"id":"4 2","name":"Ada"}',
    '200 application/json {"a":[1,2]}',
    '400',
    '404',
  ]
  if (answers.join() !== expected.join()) throw new Error(`${host} answers ${answers.join()}, not ${expected.join()}`)
}
