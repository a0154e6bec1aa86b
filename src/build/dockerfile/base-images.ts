import type { Engine } from '../../engine/engine.ts'
import { PaasError } from '../../errors.ts'
import { sandboxLimits, type BuildLimits } from '../sandbox-limits.ts'
import { rewriteTar } from '../../tar.ts'
import { builderPrograms, type BaseName, type Toolbox } from '../toolbox.ts'
import { storeOf } from './base-stores.ts'

type BasesDeps = {
  engine: Pick<Engine, 'createSandbox' | 'saveImage'>
  toolbox: Pick<Toolbox, 'baseImage' | 'builderImage'>
  build: BuildLimits
}

/**
 * Returns builders one of these images, in a volume that all of them read. It is done once for each
 * version of the image.
 */
export async function fillBase(
  { engine, toolbox, build }: BasesDeps,
  name: BaseName,
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { digest } = await toolbox.baseImage(name, onProgress)
  const image = (await toolbox.builderImage(onProgress)).digest
  onProgress('adding the image that the Dockerfile begins with')
  const stores = [{ digest, at: storeOf(name), writable: true }]
  const spec = { appId: undefined, name: 'base', user: 'app', limits: sandboxLimits(build), env: {}, labels: {} }
  await using sandbox = await engine.createSandbox({ ...spec, image, stores, rootless: true }, signal)
  const saved = await engine.saveImage(digest, signal)
  const files = rewriteTar(saved, (header) => ({ ...header, name: `tmp/image/${header.name}` }))
  const said: Buffer[] = []
  const order = { argv: [`${builderPrograms}/fill`, name], env: {}, files }
  const { exit } = await sandbox.run(order, (chunk) => void said.push(chunk), signal)
  const { code } = await exit()
  if (code === 0) return
  const reason = Buffer.concat(said).toString().trim().slice(-500)
  throw new PaasError('stack_unavailable', `The image ${name} could not be given to builders: ${reason}`)
}
