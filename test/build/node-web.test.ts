import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packsDirectory } from '../../src/build/packs.ts'
import { run } from '../helpers/repository.ts'

const lib = join(packsDirectory, 'lib')

let root = ''
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'paas-web-'))))
afterEach(() => rm(root, { recursive: true, force: true }))

async function write(paths: string[], content = ''): Promise<void> {
  for (const path of ['.paas/x', ...paths]) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}

const nothing =
  'app_directory= start_command= production_script= entry= workspace_apps= manager=npm node_version=24.1.0'

/** What a line of the pack prints, in an app, with what it has found out about it. */
async function pack(line: string, found: Record<string, string> = {}): Promise<string> {
  const set = Object.entries(found).map(([key, value]) => `${key}=$${JSON.stringify(value).replace(/^"|"$/g, "'")}`)
  const script = [
    `cd ${root}; run_start='npm start' run_file=node lock_file=package-lock.json javascript=${lib}/javascript ${nothing}`,
    ...set,
    ...['common.sh', 'javascript/web.sh', 'javascript/explain.sh'].map((file) => `source ${lib}/${file}`),
    'run_log=log',
    'serve_static() { echo "files of $1" >.paas/web; }; source() { :; }',
    line,
  ]
  return (await run('bash', ['-eu', '-c', script.join('\n')])).output
}

describe('web, without a Procfile, is', () => {
  const web = async (files: string[], found: Record<string, string> = {}) => {
    await write(files)
    await pack('choose_web', found)
    return (await readFile(join(root, '.paas/web'), 'utf8')).trim()
  }
  const start = (start_command: string) => ({ start_command })

  it.each<[string, string[], Record<string, string>, string]>([
    ['the start script', ['dist/index.html', 'server.js'], start('node app.js'), 'npm start'],
    ['server.js, which npm starts', ['server.js', 'dist/index.html'], {}, 'npm start'],
    ['Next.js', ['.next/BUILD_ID'], {}, 'next start'],
    [
      'Next.js by itself',
      ['.next/standalone/server.js'],
      start('next start'),
      'HOSTNAME=0.0.0.0 node .next/standalone/server.js',
    ],
    ['Nuxt', ['.output/server/index.mjs', '.output/public/x'], {}, 'HOST=0.0.0.0 node .output/server/index.mjs'],
    ['a site of Nuxt', ['.output/public/index.html'], {}, 'files of .output/public'],
    [
      'React Router',
      ['build/server/index.js', 'node_modules/.bin/react-router-serve'],
      {},
      'react-router-serve build/server/index.js',
    ],
    ['a site of React Router', ['build/client/index.html'], {}, 'files of build/client'],
    ['SvelteKit', ['build/index.js', 'build/handler.js'], {}, 'PROTOCOL_HEADER=x-forwarded-proto node build'],
    [
      'Astro',
      ['dist/server/entry.mjs', 'dist/client/x'],
      start('astro dev'),
      'HOST=0.0.0.0 node dist/server/entry.mjs',
    ],
    ['Nest', ['dist/main.js', 'node_modules/@nestjs/core/x'], start('nest start'), 'node dist/main.js'],
    [
      'Angular with its server',
      ['dist/x/server/server.mjs', 'dist/x/browser/index.html'],
      start('ng serve'),
      'node dist/x/server/server.mjs',
    ],
    ['a site of Angular', ['dist/x/browser/index.html'], start('ng serve'), 'files of dist/x/browser'],
    ['a site of Gatsby', ['public/index.html'], start('gatsby develop'), 'files of public'],
    ['a site of Vite', ['dist/index.html', 'public/index.html'], start('vite --host'), 'files of dist'],
    ['what is started in production', [], { production_script: 'yes', ...start('nest start') }, 'npm run start:prod'],
    ['a server for development where there is no other', [], start('vite dev'), 'npm start'],
    [
      'the package of a workspace',
      ['apps/web/.next/BUILD_ID'],
      { app_directory: 'apps/web' },
      'cd apps/web && next start',
    ],
    ['a file, with Bun', [], { run_file: 'bun', run_start: 'bun run start', entry: 'index.ts' }, 'bun run index.ts'],
  ])('%s', async (_, files, found, expected) => {
    expect(await web(files, found)).toBe(expected)
  })

  it('with the files that Next.js leaves to others beside its server', async () => {
    await web(['.next/standalone/server.js', '.next/static/a.js', 'public/b.png'])
    const { output } = await run('ls', ['.next/static', 'public'], { cwd: join(root, '.next/standalone') })
    expect(output).toBe('.next/static:\na.js\n\npublic:\nb.png\n')
  })
})

describe('node_modules where something runs without it', () => {
  const standalone = '.next/standalone/server.js'
  const alone = {
    'package.json': '{ "dependencies": { "next": "1", "a": "1" }, "scripts": { "start": "next start" } }',
  }

  it.each<[string, string, Record<string, string>, string]>([
    ['is not needed', standalone, {}, ''],
    [
      'is not needed for a Procfile that starts the same',
      standalone,
      { Procfile: `web: PORT=1 node ${standalone}` },
      '',
    ],
    [
      'is for another process',
      standalone,
      { Procfile: `web: node ${standalone}\nrelease: prisma migrate` },
      'prisma migrate',
    ],
    [
      'is for a script of app.json',
      standalone,
      { 'app.json': '{"scripts":{"postdeploy":"x"}}' },
      'a script of app.json',
    ],
    [
      'is for a program that the app depends on',
      standalone,
      { 'node_modules/a/package.json': '{ "bin": "a.js" }', 'node_modules/next/package.json': '{ "bin": "next.js" }' },
      'a of dependencies',
    ],
    [
      'is for what npm runs before the start script',
      standalone,
      { 'package.json': `{ "scripts": { "start": "node ${standalone}", "prestart": "migrate" } }` },
      'the script prestart',
    ],
    ['is for another start script', standalone, { 'package.json': '{ "scripts": { "start": "node a" } }' }, 'node a'],
    ['is not needed for a site', '', { 'node_modules/a/package.json': '{ "bin": "a.js" }' }, ''],
    ['is for the Procfile beside a site', '', { Procfile: 'web: serve' }, 'what the Procfile starts'],
  ])('%s', async (_, server, files, expected) => {
    for (const [path, content] of Object.entries({ ...alone, ...files })) await write([path], content)
    const started = files['package.json'] ? 'npm start' : `A=1 node ${server}`
    const { output } = await run('node', [join(lib, 'javascript/alone.mjs'), server, started], { cwd: root })
    expect(output.trim()).toBe(expected)
  })
})

it.each([
  ['node_modules', true],
  ['.paas/runtime', false],
])('where the tree is %s, leaving node_modules out leaves a runtime alone', async (tree, isSpare) => {
  await write(['node_modules/a/x', '.paas/runtime/bin/node'])
  await writeFile(join(root, 'tree'), `${tree}\nid\nkept\n`)
  const script = `source ${lib}/tree.sh; PAAS_TREE_FILE=tree; spare_tree node_modules; ls -d tree.spare node_modules .paas/runtime`
  const { output } = await run('bash', ['-c', script], { cwd: root })
  expect(output.includes('\ntree.spare\n')).toBe(isSpare)
  expect(output.includes('\nnode_modules\n')).toBe(isSpare)
  expect(output).toContain('.paas/runtime\n')
})

describe('where nothing is found to run', () => {
  it.each<[string, string[], Record<string, string>, RegExp]>([
    ['a start script is asked for', [], {}, /^ !     No start script in package\.json.*\n !     Say what starts it/],
    [
      'one of several packages is',
      [],
      { workspace_apps: 'apps/a\napps/b' },
      /apps\/a, apps\/b\n !     .*config:set PROJECT_PATH=apps\/a/,
    ],
    [
      'an adapter of SvelteKit is',
      ['node_modules/@sveltejs/adapter-auto/x'],
      {},
      /npm install @sveltejs\/adapter-node/,
    ],
    ['nothing is, with a Procfile', ['Procfile'], {}, /^$/],
  ])('%s', async (_, files, found, expected) => {
    await write(files)
    expect(await pack('choose_web', found)).toMatch(expected)
  })

  it.each([
    ['tsx', 'NODE_ENV=production tsx src/index.ts', /^ !     The start script runs tsx, which is not installed/],
    ['what is there', 'vitesse serve', /^$/],
    ['a shell', 'bash start.sh', /^$/],
  ])('in a start script with %s', async (_, start_command, expected) => {
    await write(['node_modules/.bin/vitesse'])
    expect(await pack('choose_web', { start_command })).toMatch(expected)
  })
})

describe('a failure is explained', () => {
  it.each([
    ['FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory', 'the build ran out of heap'],
    [' ERR_PNPM_UNSUPPORTED_ENGINE  Unsupported environment', 'a package needs another version of Node.js'],
    [
      'error x@1.0.0: The engine "node" is incompatible with this module.',
      'a package needs another version of Node.js',
    ],
    ['npm error code E401', 'the package registry wants a login'],
    ['npm error code E404', 'a package is not in the registry'],
    ['npm error code ENOTFOUND', 'the package registry is not reached'],
    ['ConnectionRefused downloading package manifest ms', 'the package registry is not reached'],
    [
      '../src/x.cc:1:10: fatal error: vips/vips.h: No such file or directory\ngyp ERR! build error',
      'a native package lacks a C library',
    ],
    ['gyp ERR! build error', 'a native package could not be compiled'],
    ['sh: 1: tsc: not found', 'a script runs a program that is not installed'],
    ['/bin/bash: line 1: tsc: command not found', 'a script runs a program that is not installed'],
  ])('%s', async (said, reason) => {
    await write(['log'], `${said}\n`)
    const output = await pack('PAAS_REASON_FILE=reason; explain_node')
    expect(await readFile(join(root, 'reason'), 'utf8')).toBe(reason)
    expect(output).toMatch(/^ !     \S/)
  })

  it('only where it is known', async () => {
    await write(['log'], 'Error: something else\n')
    expect(await pack('explain_node; echo unknown')).toBe('unknown\n')
  })
})
