import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { label } from '../../src/engine/labels.ts'

const run = promisify(execFile)

/** Bytes that the image of a running app has beyond the one it lies on, which all apps of its language share. */
export async function imageBeyond(runImage: string, appName: string): Promise<number> {
  const image = await run('docker', ['inspect', '--format', '{{.Image}}', await dynoOf(appName)])
  return (await sizeOf(image.stdout.trim())) - (await sizeOf(runImage))
}

/** The container of a running app, the newest. */
export async function dynoOf(appName: string): Promise<string> {
  const filter = `label=${label.appName}=${appName}`
  const { stdout } = await run('docker', ['ps', '--quiet', '--filter', filter])
  return stdout.split('\n')[0] ?? ''
}

async function sizeOf(image: string): Promise<number> {
  const { stdout } = await run('docker', ['image', 'inspect', '--format', '{{.Size}}', image])
  return Number(stdout)
}
