import { request, type Answer } from './http.ts'
import { TestRepository, type Outcome } from './repository.ts'

/** What these helpers need of a running server (`startServer` gives it). */
export type ServerAddress = { url: string; port: number; token: string }

/** Calls the Platform API with the server's first token. Rejects on any status of 400 and above unless `mayFail`. */
export async function api<Body = unknown>(
  server: ServerAddress,
  method: string,
  path: string,
  options: { body?: unknown; token?: string; mayFail?: boolean } = {},
): Promise<{ status: number; body: Body }> {
  const answer = await request({
    port: server.port,
    host: new URL(server.url).host,
    method,
    path,
    headers: {
      accept: 'application/vnd.heroku+json; version=3',
      authorization: `Bearer ${options.token ?? server.token}`,
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  })
  if (answer.status >= 400 && !options.mayFail) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`)
  return { status: answer.status, body: (answer.body === '' ? undefined : JSON.parse(answer.body)) as Body }
}

/** An app on the server and the developer's repository it is pushed from. */
export class TestApp implements AsyncDisposable {
  readonly server: ServerAddress
  readonly name: string
  readonly repository: TestRepository

  private constructor(server: ServerAddress, name: string, repository: TestRepository) {
    this.server = server
    this.name = name
    this.repository = repository
  }

  /** Makes the app, with the remote `paas` in the repository: one given, or a new one from the fixture of that name. */
  static async create(server: ServerAddress, source: string | TestRepository): Promise<TestApp> {
    const { body } = await api<{ name: string }>(server, 'POST', '/apps', { body: {} })
    const repository = typeof source === 'string' ? await TestRepository.fromFixture(source) : source
    const app = new TestApp(server, body.name, repository)
    await repository.git('remote', 'add', 'paas', app.gitUrl())
    return app
  }

  /** The git URL with a token in it: tests have no credential helper. */
  gitUrl(token = this.server.token): string {
    const url = new URL(`/${this.name}.git`, this.server.url)
    url.username = 'git'
    url.password = token
    return url.href
  }

  push(...argv: string[]): Promise<Outcome> {
    return this.repository.git('push', 'paas', ...(argv.length > 0 ? argv : ['main']))
  }

  get host(): string {
    return `${this.name}.${new URL(this.server.url).host}`
  }

  get(path = '/'): Promise<Answer> {
    return request({ port: this.server.port, host: this.host, path })
  }

  api<Body = unknown>(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }> {
    return api<Body>(this.server, method, `/apps/${this.name}${path}`, body === undefined ? {} : { body })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.repository[Symbol.asyncDispose]()
  }
}

/** Polls until `check` gives something other than undefined or false. @throws after `timeoutMs` */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await check()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`not so within ${timeoutMs} ms: ${what}`)
    await new Promise((wake) => setTimeout(wake, 50))
  }
}
