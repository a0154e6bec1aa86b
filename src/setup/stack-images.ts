import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Stack } from '../build/stack.ts'
import type { Progress } from './progress.ts'

const buildpacks = resolve(import.meta.dirname, '../../buildpacks')

/** What a buildpack declares in `packages.json`: Debian packages beyond the stack's. */
type Packages = { build?: string[]; run?: string[] }

/** Makes every image that our own buildpacks need, so that no first push waits for one. */
export async function makeStackImages(stack: Stack, progress: Progress): Promise<void> {
  for (const { build = [], run = [] } of [{}, ...declaredPackages()]) {
    await stack.runImage(run, showMaking(progress))
    await stack.buildImage(build, showMaking(progress))
  }
  progress.done()
}

function declaredPackages(): Packages[] {
  return readdirSync(buildpacks)
    .map((name) => join(buildpacks, name, 'packages.json'))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Packages)
}

/** Our own lines begin with `making`; the rest is what the tools print meanwhile. */
function showMaking(progress: Progress): (line: string) => void {
  return (line) => (line.startsWith('making ') ? progress.step(line) : progress.detail(line))
}
