/**
 * Makes `dist`, the server as it is run: a JavaScript file for each role, with what the role uses
 * of the libraries. Types and comments are gone, since each process keeps the text of its code in
 * memory.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { rolldown, type Plugin } from 'rolldown'
import { isUnused } from '../src/load-without.ts'

const root = resolve(import.meta.dirname, '..')
const roles = ['server', 'router', 'gate', 'worker', 'api', 'check', 'record', 'backup', 'archives', 'doctor', 'vault']

/** `--to` is another directory in the checkout. */
const { values } = parseArgs({ options: { to: { type: 'string', default: 'dist' } } })
const target = join(root, values.to)
process.umask(0o022) // roles run as users of their own, whatever the administrator's is
await bundle()
for (const name of await readdir(target)) if (name.endsWith('.js')) await spare(join(target, name))

async function bundle(): Promise<void> {
  const made = await rolldown({
    input: Object.fromEntries(roles.map((role) => [role, join(root, `src/main/${role}.ts`)])),
    platform: 'node',
    plugins: [placesOfSources(), withoutUnused()],
  })
  await made.write({
    dir: target,
    cleanDir: true,
    comments: false,
    sourcemap: true,
    minify: {
      mangle: { keepNames: true },
      compress: { keepNames: { function: true, class: true } },
      codegen: { removeWhitespace: false },
    },
    sourcemapExcludeSources: true,
    chunkFileNames: '[name]-part.js',
  })
}

/**
 * `import.meta.dirname` and `filename` are the source's, since what lies beside it stays there, and
 * `url` is the bundle's. Only roles are run by themselves.
 */
function placesOfSources(): Plugin {
  const place = (path: string): string =>
    `process.getBuiltinModule('path').resolve(import.meta.dirname, ${JSON.stringify(relative(target, path))})`
  return {
    name: 'places of sources',
    transform: {
      filter: { id: join(root, 'src/**/*.ts'), code: /import\.meta\.(dirname|filename|main)/ },
      handler: (code, id) => ({
        code: code
          .replaceAll('import.meta.dirname', () => place(dirname(id)))
          .replaceAll('import.meta.filename', () => place(id))
          .replaceAll('import.meta.main', (main) => (dirname(id) === join(root, 'src/main') ? main : 'false')),
        map: null, // lines stay
      }),
    },
  }
}

function withoutUnused(): Plugin {
  return {
    name: 'without unused modules',
    resolveId: (specifier, importer) => (isUnused(specifier, importer) ? '\0unused' : null),
    load: (id) => (id === '\0unused' ? 'module.exports = {}' : null),
  }
}

/** What makes a file smaller in memory; its lines stay. */
async function spare(path: string): Promise<void> {
  const code = await readFile(path, 'utf8')
  const spared = escape(takeBuiltins(code))
  if (spared !== code) await writeFile(path, spared)
}

/**
 * An import of one of Node's own modules reads all that it exports, and some of that is loaded when
 * it is read: `node:http` has a WebSocket, which is 6 MiB of undici in each process.
 */
function takeBuiltins(code: string): string {
  return code.replaceAll(/^import (.+) from "(node:[a-z0-9_/]+)";$/gm, (line, names: string, from: string) => {
    if (!/^\{ .+ \}$/.test(names)) throw new Error(`not by names, as a bundle imports what is Node's: ${line}`)
    return `const ${names.replaceAll(' as ', ': ')} = process.getBuiltinModule("${from}");`
  })
}

/** One character that is not in Latin-1 makes V8 keep a file with two bytes for each. */
function escape(code: string): string {
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
