import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { label } from '../../src/engine/labels.ts'

const run = promisify(execFile)

/** Bytes that the image of a running app has beyond the one it lies on, which all apps of its language share. */
export async function imageBeyond(runImage: string, appName: string): Promise<number> {
  const filter = `label=${label.appName}=${appName}`
  const { stdout } = await run('docker', ['ps', '--quiet', '--filter', filter])
  const [dyno = ''] = stdout.split('\n')
  const image = await run('docker', ['inspect', '--format', '{{.Image}}', dyno])
  return (await sizeOf(image.stdout.trim())) - (await sizeOf(runImage))
}

async function sizeOf(image: string): Promise<number> {
  const { stdout } = await run('docker', ['image', 'inspect', '--format', '{{.Size}}', image])
  return Number(stdout)
}
