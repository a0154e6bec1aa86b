import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { Bundle } from '../helpers/bundle.ts'
import { TestRepository } from '../helpers/repository.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { docker } from '../engine/support.ts'

let bundle: Bundle
let server: TestServer
beforeAll(async () => {
  bundle = await Bundle.make()
  server = await startServer({ bundle, env: { PAAS_BUILD_STANDBY: '60', PAAS_BUILD_CONCURRENCY: '3' } })
})
afterAll(async () => {
  await server?.stop()
  await bundle?.[Symbol.asyncDispose]()
})

const perl = `web: perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 50, ReuseAddr => 1) or die; while ($c = $s->accept) { while (<$c>) { last if /^\\r?$/ } print $c "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok"; close $c }'\n`

/** What stood by is what the next build runs in: if not, it would be thrown away and the push wait for another. */
it.for([
  ['Node.js', { 'package.json': '{"scripts":{"start":"node ."}}', 'index.js': node() }],
  ['a static site', { 'index.html': '<p>hello</p>' }],
  ['a Procfile alone', { Procfile: perl }],
] as const)('a push of %s is built in what has been made ready for it', async ([, files]) => {
  await using repository = await TestRepository.empty()
  await using app = await TestApp.create(server, repository)
  for (const [path, content] of Object.entries(files)) await repository.write(path, content)
  const { body } = await app.api<{ id: string }>('GET', '')
  for (const time of ['first', 'second']) {
    await repository.write('time', time)
    await repository.commit(time)
    expect(await app.push()).toMatchObject({ code: 0 })
    await until('one for the next push is there', async () => (await sandboxes(body.id)).length === 1)
  }
  // One for each push, made when it was announced or when the one before was over, and one that stands by.
  expect(await made(body.id)).toHaveLength(3)
})

function node(): string {
  return `require('node:http').createServer((_, answer) => answer.end('ok')).listen(process.env.PORT)\n`
}

const filters = (app: string) => ['--filter', `label=paas.app=${app}`, '--filter', 'label=paas.kind=sandbox']

/** Sandboxes of the app that are there. */
async function sandboxes(app: string): Promise<string[]> {
  return lines(await docker('ps', '--quiet', ...filters(app)))
}

/** All that were made for it, those for trees not counted. */
async function made(app: string): Promise<string[]> {
  const until = String(Math.ceil(Date.now() / 1000))
  const format = '{{.Actor.Attributes.name}}'
  const events = ['events', '--since', '10m', '--until', until, '--filter', 'event=create', '--format', format]
  return lines(await docker(...events, ...filters(app))).filter((name) => name.includes('-build-'))
}

const lines = (text: string): string[] => text.split('\n').filter(Boolean)
