import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const root = resolve(import.meta.dirname, '../..')

/** The server as `npm start` runs it, made of the sources as they are by an administrator who hides what they write. */
export class Bundle implements AsyncDisposable {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  static async make(): Promise<Bundle> {
    const bundle = new Bundle(await mkdtemp(join(root, 'dist.')))
    await chmod(bundle.directory, 0o755) // for the users of the roles
    const argv = [process.execPath, join(root, 'bin/bundle.ts'), '--to', basename(bundle.directory)]
    await promisify(execFile)('sh', ['-c', 'umask 077; exec "$@"', 'sh', ...argv])
    return bundle
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true })
  }
}
