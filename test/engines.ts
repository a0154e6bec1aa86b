import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { TestEngine } from './helpers/test-engine.ts'

/**
 * Runs the tests of the engine and those from end to end on the engine of this machine, then on each whose programs are
 * in a directory given: `--engine DIRECTORY`, as often as wanted. Other arguments select tests.
 */

const tests = ['test/engine', 'test/containers', 'test/build/dockerfile.test.ts', 'test/e2e']
const root = resolve(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  options: { engine: { type: 'string', multiple: true, default: [] } },
  allowPositionals: true,
})
const selected = positionals.length > 0 ? positionals : tests
const paths = process.env['PATH'] ?? ''

let failed = await run([], process.env)
for (const directory of values.engine) failed = (await runOn(resolve(directory))) || failed
process.exitCode = failed ? 1 : 0

/** The engine finds containerd and runc in the same directory. */
async function runOn(directory: string): Promise<boolean> {
  process.stdout.write(`engines: the engine of ${directory}\n`)
  process.env['PATH'] = [directory, paths].join(delimiter)
  await using engine = await TestEngine.start()
  return await run(engine.enter, { ...process.env, DOCKER_HOST: engine.dockerHost })
}

/** @returns whether anything failed */
async function run(enter: string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  const setUp = await succeeds([...enter, join(root, 'bin/setup'), '--tests'], env)
  return !setUp || !(await succeeds([...enter, join(root, 'node_modules/.bin/vitest'), 'run', ...selected], env))
}

async function succeeds([program = '', ...argv]: string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  const PATH = [join(root, 'node_modules/.bin'), env['PATH']].join(delimiter)
  const child = spawn(program, argv, { cwd: root, env: { ...env, PATH }, stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0
}
