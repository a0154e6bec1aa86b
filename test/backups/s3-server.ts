import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { until } from '../helpers/app.ts'
import { freePort } from '../helpers/free-port.ts'
import { buildWithGo } from '../helpers/go-programs.ts'

const run = promisify(execFile)

const version = 'v1.8.0'
const built = await buildWithGo(`versitygw-${version}`, [`github.com/versity/versitygw/cmd/versitygw@${version}`])

/** A real S3 server over a directory (github.com/versity/versitygw), and why it is not there. */
export const s3Program = built.lack === undefined ? join(built.directory, 'versitygw') : undefined
export const whyNoS3 = built.lack

/** One with a bucket `backups`, whose owner has these keys. */
export class S3Server implements AsyncDisposable {
  readonly port: number
  readonly directory: string
  readonly process: ChildProcess
  readonly keys = { AWS_ACCESS_KEY_ID: 'owner-of-all', AWS_SECRET_ACCESS_KEY: 'secret-of-the-owner' }

  private constructor(port: number, { directory, data }: { directory: string; data: string }) {
    this.port = port
    this.directory = directory
    const argv = ['--port', `127.0.0.1:${port}`, '--iam-dir', join(directory, 'iam'), 'posix', data]
    const { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret } = this.keys
    this.process = spawn(s3Program ?? '', ['--access', access, '--secret', secret, '--quiet', ...argv], {
      stdio: 'ignore',
    })
  }

  /** @param data where objects are, in place of a directory that goes with it */
  static async start({ data, port }: { data?: string; port?: number } = {}): Promise<S3Server> {
    const directory = await mkdtemp(join(tmpdir(), 'paas-s3-'))
    const kept = data ?? join(directory, 'data')
    for (const path of [join(directory, 'iam'), join(kept, 'backups')]) await mkdir(path, { recursive: true })
    const server = new S3Server(port ?? (await freePort()), { directory, data: kept })
    await until('the S3 server answers', async () =>
      fetch(server.url).then(
        () => true,
        () => false,
      ),
    )
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** As restic names a place in it. */
  place(bucket = 'backups', path = 'paas'): string {
    return `s3:${this.url}/${bucket}/${path}`
  }

  /** A user to whom nothing belongs. */
  async addStranger(): Promise<S3Server['keys']> {
    const keys = { AWS_ACCESS_KEY_ID: 'stranger', AWS_SECRET_ACCESS_KEY: 'secret-of-the-stranger' }
    const { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret } = this.keys
    const asOwner = ['admin', '--access', access, '--secret', secret, '--endpoint-url', this.url]
    const user = ['--access', keys.AWS_ACCESS_KEY_ID, '--secret', keys.AWS_SECRET_ACCESS_KEY, '--role', 'user']
    await run(s3Program ?? '', [...asOwner, 'create-user', ...user])
    return keys
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL')
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit')
    await rm(this.directory, { recursive: true, force: true })
  }
}
