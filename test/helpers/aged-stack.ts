import { execFile } from 'node:child_process'
import { appendFile, chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { createStack } from '../../src/build/stack/debian.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'

const run = promisify(execFile)

/**
 * A second stack: a copy of ours with few packages, whose images say that one of them, netbase, is older than it is. So
 * Debian's mirror always has something newer.
 */
export class AgedStack implements AsyncDisposable {
  readonly name = `debian-${process.pid}-old`
  /** For `PAAS_STACKS`: it and the usual one. */
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  /** With its run image. */
  static async create(): Promise<AgedStack> {
    const stack = new AgedStack(await mkdtemp(join(tmpdir(), 'paas-stacks-')))
    try {
      await stack.#make()
      return stack
    } catch (cause) {
      await stack[Symbol.asyncDispose]()
      throw cause
    }
  }

  async #make(): Promise<void> {
    const { directory, name } = this
    // The server's roles are users of their own.
    await chmod(directory, 0o755)
    await cp(resolve(import.meta.dirname, '../../stack/debian-13'), join(directory, 'debian-13'), { recursive: true })
    await cp(join(directory, 'debian-13'), join(directory, name), { recursive: true })
    await writeFile(join(directory, name, 'run-packages'), 'netbase\n')
    await appendFile(
      join(directory, name, 'install'),
      "sed -i '/^Package: netbase$/,/^$/ s/^Version: .*/&~old/' /var/lib/dpkg/status\n",
    )
    // As set-up does, which is root.
    const config = loadConfig({ ...process.env, PAAS_STACKS: directory, XDG_CACHE_HOME: directory })
    const engine = connectDocker({ docker: config.docker, serverId: `${name}-setup`, log: createLog('test', 'silent') })
    await createStack({ engine, config }, name).runImage([], () => undefined)
    await engine.removeServer()
  }

  /** Once the servers that used it are stopped. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
    const label = `label=paas.stack=${this.name}`
    const { stdout } = await run('docker', ['image', 'ls', '--quiet', '--filter', label])
    const images = [...new Set(stdout.split('\n').filter(Boolean))]
    if (images.length > 0) await run('docker', ['rmi', '--force', ...images])
  }
}
