import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { run, TestRepository } from '../helpers/repository.ts'

type Answer = (response: ServerResponse) => void

/** Somebody's host of buildpacks: repositories by git's own server (git-http-backend(1)), and whatever else is put there. */
export class PackServer implements AsyncDisposable {
  readonly #repositories = new Map<string, TestRepository>()
  readonly #answers = new Map<string, Answer>()
  readonly #server = createServer((request, response) => this.#serve(request, response))
  readonly #address: string

  private constructor(address: string) {
    this.#address = address
  }

  static async start(address = '127.0.0.1'): Promise<PackServer> {
    const server = new PackServer(address)
    server.#server.listen(0, address)
    await once(server.#server, 'listening')
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** A repository with one commit of these files; gives its URL. */
  async repository(name: string, files: Record<string, string>): Promise<string> {
    const repository = this.#repositories.get(name) ?? (await TestRepository.empty())
    this.#repositories.set(name, repository)
    for (const [path, content] of Object.entries(files)) await repository.write(path, content)
    await repository.commit('Next version')
    return this.url(`${name}.git`)
  }

  /** A copy of the newest commit of somebody's repository; gives its URL. */
  async copy(name: string, from: string): Promise<string> {
    const repository = await TestRepository.empty()
    this.#repositories.set(name, repository)
    for (const argv of [
      ['fetch', '--quiet', '--depth=1', '--no-tags', from, 'HEAD'],
      ['reset', '--quiet', '--hard', 'FETCH_HEAD'],
    ]) {
      const { code, output } = await repository.git(...argv)
      if (code !== 0) throw new Error(`git ${argv.join(' ')}: ${output}`)
    }
    return this.url(`${name}.git`)
  }

  /** Puts there what hosts of code make of a repository's newest commit: all of it in one directory; gives its URL. */
  async tarball(name: string): Promise<string> {
    const path = `${name}.tgz`
    const argv = ['-C', this.#path(name), 'archive', '--format=tgz', `--prefix=${name}-main/`, 'HEAD']
    return this.put(path, await buffer(spawn('git', argv).stdout))
  }

  /** Serves the repository as it is now as mere files, which git calls dumb (gitprotocol-http(5)); gives its URL. */
  async asFiles(name: string): Promise<string> {
    await this.git(name, 'update-server-info')
    const directory = join(this.#path(name), '.git')
    for (const path of await readdir(directory, { recursive: true })) {
      this.put(`files/${name}.git/${path}`, (response) => void createReadStream(join(directory, path)).pipe(response))
    }
    return this.url(`files/${name}.git`)
  }

  /** Runs git in a repository, and gives what it prints. */
  async git(name: string, ...argv: string[]): Promise<string> {
    return (await run('git', ['-C', this.#path(name), ...argv])).output.trim()
  }

  #path(name: string): string {
    return this.#repositories.get(name)?.path ?? ''
  }

  /** Puts something there; gives its URL. */
  put(path: string, answer: Answer | Buffer): string {
    this.#answers.set(`/${path}`, Buffer.isBuffer(answer) ? (response) => response.end(answer) : answer)
    return this.url(path)
  }

  url(path: string): string {
    return `http://${this.#address}:${this.port}/${path}`
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, search } = new URL(request.url ?? '', this.url(''))
    const answer = this.#answers.get(pathname)
    if (answer) return answer(response)
    const [, name = '', path = ''] = /^\/([^/]+)\.git(\/.*)$/.exec(pathname) ?? []
    const repository = this.#repositories.get(name)
    if (!repository) return void response.writeHead(404).end()
    serveGit(repository, { path, query: search.slice(1) }, request, response).catch((error: Error) =>
      response.destroy(error),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await Promise.all([...this.#repositories.values()].map((repository) => repository[Symbol.asyncDispose]()))
  }
}

async function serveGit(
  { path: root }: TestRepository,
  { path, query }: { path: string; query: string },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { 'content-type': type, 'content-encoding': encoding, 'git-protocol': protocol } = request.headers
  const env = {
    PATH: process.env['PATH'],
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: `/.git${path}`,
    QUERY_STRING: query,
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: type,
    HTTP_CONTENT_ENCODING: encoding,
    GIT_PROTOCOL: typeof protocol === 'string' ? protocol : undefined,
  }
  const backend = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  request.pipe(backend.stdin)
  const answer = await buffer(backend.stdout)
  const end = answer.indexOf('\r\n\r\n')
  const headers = answer.subarray(0, end).toString().split('\r\n')
  for (const header of headers) response.appendHeader(...(header.split(': ', 2) as [string, string]))
  const status = Number.parseInt(String(response.getHeader('status') ?? 200), 10)
  response.writeHead(status).end(answer.subarray(end + 4))
}
