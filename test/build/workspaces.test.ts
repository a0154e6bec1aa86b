import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Builder, runIn, type AppBuilder } from './builder.ts'

const builder = new Builder()
afterAll(() => builder[Symbol.asyncDispose]())

/** Each with its lock file, as it wrote it, how it names the other package, and its settings. */
const managers: [string, string, string, string, Record<string, string>][] = [
  ['npm', 'package-lock.json', 'package-lock.json', '1.0.0', {}],
  ['Yarn 1', 'yarn.lock', 'yarn-1.lock', '1.0.0', {}],
  ['Yarn 4', 'yarn.lock', 'yarn-4.lock', 'workspace:*', { '.yarnrc.yml': 'nodeLinker: node-modules\n' }],
  [
    'pnpm',
    'pnpm-lock.yaml',
    'pnpm-lock.yaml',
    'workspace:*',
    { 'pnpm-workspace.yaml': "packages:\n  - 'apps/*'\n  - 'packages/*'\n" },
  ],
  ['Bun', 'bun.lock', 'bun.lock', 'workspace:*', {}],
]

/**
 * `web` uses `lib`, and each of them another version of ms; the install script of vue-demi makes
 * it that of Vue 2.
 */
async function workspace(lock: string, file: string, lib: string, settings: object): Promise<Record<string, string>> {
  return {
    'package.json': JSON.stringify({
      name: 'a-workspace',
      version: '1.0.0',
      private: true,
      workspaces: ['apps/*', 'packages/*'],
      scripts: { build: 'true' },
      devDependencies: { 'is-number': '7.0.0' },
      trustedDependencies: ['vue-demi'],
      pnpm: { onlyBuiltDependencies: ['vue-demi'] },
    }),
    'apps/web/package.json': webManifest(lib),
    'apps/web/index.js': `${says}\n`,
    'packages/lib/package.json': JSON.stringify({
      name: 'lib',
      version: '1.0.0',
      main: 'index.js',
      dependencies: { ms: '2.0.0' },
    }),
    'packages/lib/index.js': libSays('one'),
    [file]: await readFile(join(import.meta.dirname, '../fixtures/locks/workspace', lock), 'utf8'),
    ...settings,
  }
}

function webManifest(lib: string, fields: object = {}): string {
  const scripts = { start: 'node index.js' }
  return JSON.stringify({
    name: 'web',
    version: '1.0.0',
    private: true,
    scripts,
    dependencies: { lib, ms: '2.1.3', vue: '2.7.16', 'vue-demi': '0.14.10' },
    ...fields,
  })
}

const says = "console.log(require('lib'), require('ms/package.json').version, require('vue-demi').isVue2)"

function libSays(word: string): string {
  return `module.exports = '${word} ' + require('ms/package.json').version\n`
}

/** What the next push of it serves, built where the tree lies that the one before left. */
async function build(app: AppBuilder): Promise<string> {
  await app.sandboxes.without(app.id, () => Promise.resolve())
  const say = '[ ! -e node_modules/is-number ] || echo not pruned; cd apps/web && node index.js'
  return (await runIn(await app.build(), say)).output
}

describe('a workspace whose lock file is unchanged', () => {
  it.each(managers)(
    'is installed once with %s, and each push has its own code',
    async (_, file, lock, lib, settings) => {
      await using app = await builder.app(await workspace(lock, file, lib, settings))
      expect(await build(app)).toBe('one 2.0.0 2.1.3 true\n')
      expect(app.output).not.toContain('from the cache')

      await app.commit({ 'packages/lib/index.js': libSays('two') })
      expect(await build(app)).toBe('two 2.0.0 2.1.3 true\n')
      expect(app.output).toContain(`${file} has not changed: restoring`)

      await app.commit({ 'apps/web/package.json': webManifest(lib, { description: 'of which much may depend' }) })
      expect(await build(app)).toBe('two 2.0.0 2.1.3 true\n')
      expect(app.output).not.toContain('from the cache')
    },
  )
})
