import type Docker from 'dockerode'
import { pack } from 'tar-stream'
import { buffer } from 'node:stream/consumers'
import { PaasError } from '../../errors.ts'
import type { SandboxSpec } from '../engine.ts'
import { runExec } from './exec.ts'
import { tenant } from './host-config.ts'

/** A mount only `user` can enter. tmpfs is memory: nothing of it reaches a layer, a volume or the engine's records. */
export function secretsMount(path: string, user: string): Record<string, string> {
  const { uid, gid } = user === 'root' ? { uid: 0, gid: 0 } : tenant
  return { [path]: `rw,noexec,nosuid,nodev,size=16m,mode=0700,uid=${uid},gid=${gid}` }
}

/**
 * Writes the files through the standard input of a process inside: the engine's archive call does not see tmpfs
 * mounts, and arguments and environment would show in `docker inspect`.
 */
export async function giveSecrets(
  container: Docker.Container,
  user: string,
  { path, files }: NonNullable<SandboxSpec['secretsAt']>,
): Promise<void> {
  const archive = pack()
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mode: 0o600 }, content)
  archive.finalize()
  const errors: Buffer[] = []
  const code = await runExec(
    container,
    { argv: ['tar', '-x', '--no-same-owner', '-f', '-', '-C', path], user, stdin: await buffer(archive) },
    ({ data }) => errors.push(data),
  )
  if (code === 0) return
  throw new PaasError('internal', `The secrets of a build could not be put at ${path}.`, {
    cause: new Error(Buffer.concat(errors).toString().slice(0, 500)),
  })
}
