import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Toolbox } from '../../src/build/toolbox.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { TestRepository } from '../helpers/repository.ts'
import type { Starter } from './starter.ts'

export type GenerateDeps = { engine: Pick<Engine, 'createSandbox'>; toolbox: Pick<Toolbox, 'buildImage'> }

/**
 * A repository with the app, as a developer would have it. The developer's machine is a container of the build image with
 * the language's toolchain, whatever this machine has.
 */
export async function generate(starter: Starter, { engine, toolbox }: GenerateDeps): Promise<TestRepository> {
  const { pack, script, packages } = starter
  const { digest } = await toolbox.buildImage([pack])
  const { signal } = new AbortController()
  await using machine = await engine.createSandbox(
    {
      appId: undefined,
      image: digest,
      name: 'generator',
      user: packages ? 'root' : 'app',
      limits: { memoryMiB: 2048, cpus: 2, pids: 1024 },
      // Java takes the home directory of the user, which is the app's.
      env: { HOME: '/tmp', JAVA_TOOL_OPTIONS: '-Duser.home=/tmp' },
      workingDirectory: '/app',
      labels: {},
      // As the containers that make stack images, which install packages.
      ...(packages && { trusted: true }),
    },
    signal,
  )
  const output: Buffer[] = []
  const install = ['/usr/lib/paas/stack/install', ...(packages ?? [])]
  if (packages) await machine.exec({ argv: install }, (chunk) => output.push(chunk), signal)
  const argv = ['bash', '-ec', `PATH=$PATH:/usr/lib/paas/bin\n${script}`]
  const { code } = await machine.exec({ argv, user: 'app' }, (chunk) => output.push(chunk), signal)
  if (code !== 0) throw new Error(`the generator exited with ${code}:\n${Buffer.concat(output).toString()}`)
  const repository = await TestRepository.empty()
  const unpack = spawn('tar', ['-x', '--strip-components=1', '-C', repository.path], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const unpacked = once(unpack, 'close')
  const files = (chunk: Buffer, stream: string) => void (stream === 'stdout' && unpack.stdin.write(chunk))
  await machine.exec({ argv: ['tar', '-c', '-C', '/', 'app'] }, files, signal)
  unpack.stdin.end()
  await unpacked
  await repository.commit('As generated')
  return repository
}
