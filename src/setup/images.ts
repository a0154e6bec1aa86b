import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stackNames } from '../build/stack/definition.ts'
import { createStacks } from '../build/stacks.ts'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import { lockFile } from '../lock.ts'
import type { SetupProgress } from './progress.ts'

export type ImagesDeps = { engine: Engine; config: Config; progress: SetupProgress }

/**
 * Makes every image of each stack that our own buildpacks build and run in, so that no first push
 * waits for one. A root file system takes more rights than a worker has.
 */
export async function makeImages({ engine, config, progress }: ImagesDeps): Promise<void> {
  await mkdir(config.cacheDirectory, { recursive: true })
  using _lock = await lockFile(join(config.cacheDirectory, 'setup.lock'), { wait: new AbortController().signal })
  let made = false
  const stacks = createStacks({ engine, config })
  for (const name of stackNames(config.stacksDirectory)) {
    await stacks(name).toolbox.prepare((line) => {
      made = true
      if (/^(making|adding) /.test(line)) progress.step(line)
      else progress.detail(line)
    })
  }
  progress.done()
  if (made) await engine.removeServer()
}
