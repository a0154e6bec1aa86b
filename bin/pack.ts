/**
 * `npm run pack -- [DIRECTORY]`: makes the package with the command alone, for developers'
 * machines: compiled JavaScript and its two dependencies, so that nothing else is fetched when it
 * is installed. Prints the file's path.
 */
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const root = resolve(import.meta.dirname, '..')
const bundled = ['commander', 'uqr']

type Manifest = { version: string; license: string; dependencies: Record<string, string> }

const target = resolve(process.argv[2] ?? '.')
const stage = await mkdtemp(join(tmpdir(), 'paas-pack-'))
try {
  await fill(stage)
  console.log(await pack(stage, target))
} finally {
  await rm(stage, { recursive: true })
}

async function fill(stage: string): Promise<void> {
  await tool('tsc', ['-p', 'tsconfig.cli.json', '--outDir', join(stage, 'dist')])
  for (const file of ['heroku/guard.cjs', 'completion/paas.bash', 'completion/paas.zsh', 'completion/paas.fish']) {
    await cp(join(root, 'src/cli', file), join(stage, 'dist/cli', file))
  }
  await mkdir(join(stage, 'bin'))
  await cp(join(root, 'src/cli/launch.cjs'), join(stage, 'bin/paas'))
  await chmod(join(stage, 'bin/paas'), 0o755)
  // The rest of the package is of modules, where Node knows no file without an ending.
  await writeFile(join(stage, 'bin/package.json'), '{ "type": "commonjs" }\n')
  await writeFile(join(stage, 'package.json'), `${JSON.stringify(await manifest(), null, 2)}\n`)
  await cp(join(root, 'LICENSE'), join(stage, 'LICENSE'))
  await cp(join(root, 'docs/cli.md'), join(stage, 'README.md'))
  for (const name of bundled) {
    await cp(join(root, 'node_modules', name), join(stage, 'node_modules', name), { recursive: true })
  }
}

async function manifest(): Promise<object> {
  const { version, license, dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
  return {
    name: 'paas',
    version,
    private: true,
    description: 'The command for a paas server: git push, config vars, releases, logs',
    license,
    type: 'module',
    bin: { paas: 'bin/paas' },
    files: ['bin', 'dist'],
    engines: { node: '>=22' },
    dependencies: Object.fromEntries(bundled.map((name) => [name, dependencies[name]])),
    bundleDependencies: bundled,
  }
}

async function pack(stage: string, target: string): Promise<string> {
  const printed = await tool('npm', ['pack', stage, '--json', '--pack-destination', target])
  const [made] = JSON.parse(printed) as [{ filename: string }]
  return join(target, made.filename)
}

/** One of those in node_modules. */
async function tool(name: string, argv: string[]): Promise<string> {
  return (await execute(join(root, 'node_modules/.bin', name), argv, { cwd: root })).stdout
}
