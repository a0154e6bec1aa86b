import { execFileSync } from 'node:child_process'
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { PaasError } from '../../src/errors.ts'
import { readServices } from '../../src/services/definition.ts'
import { canBeCopied } from '../../src/services/dumps.ts'

const own = resolve(import.meta.dirname, '../../services')
const directory = await mkdtemp(join(tmpdir(), 'paas-services-'))
afterAll(() => rm(directory, { recursive: true }))

/** A copy of one of ours as somebody has changed it. */
async function changed(change: (manifest: Record<string, unknown>) => void): Promise<string> {
  const services = await mkdtemp(join(directory, 'of-'))
  const place = join(services, 'memcached')
  await cp(join(own, 'memcached'), place, { recursive: true })
  const manifest = JSON.parse(await readFile(join(place, 'service.json'), 'utf8')) as Record<string, unknown>
  change(manifest)
  await writeFile(join(place, 'service.json'), JSON.stringify(manifest))
  return services
}

function read(...directories: string[]) {
  const problems: string[] = []
  const services = readServices(directories, (problem: PaasError) =>
    problems.push(`${problem.code}: ${problem.message}`),
  )
  return { services, problems }
}

describe('services', () => {
  it.skipIf(process.geteuid?.() !== 0)('that the server may not read leave the others as they are', async () => {
    const [closed, open] = [await changed(() => undefined), await changed(() => undefined)]
    execFileSync('chmod', ['--recursive', 'a+rX', directory])
    await chmod(closed, 0o700)
    process.seteuid!(65_534)
    try {
      const { services, problems } = read(closed, open)
      expect(services.map(({ name }) => name)).toEqual(['memcached'])
      expect(problems).toEqual([`service_invalid: The users of the server may not read ${closed}.`])
    } finally {
      process.seteuid!(0)
    }
  })

  it('that come with the server are in order, and each has what its commands need', () => {
    const { services, problems } = read(own)
    expect(problems).toEqual([])
    expect(services.map(({ name }) => name)).toEqual([
      'memcached',
      'mysql',
      'heroku-postgresql',
      'rabbitmq',
      'heroku-redis',
    ])
    const postgresql = services[2]
    expect(postgresql!.scripts).toEqual(expect.arrayContaining(['start', 'health', 'client', 'writes']))
    expect(services.map((one) => canBeCopied(one))).toEqual([false, true, true, true, true])
    expect(postgresql!.plans[0]).toMatchObject({ name: 'essential-0', memoryMiB: 256, connections: 20 })
  })

  it('of an operator are added, and replace ours of the same name', async () => {
    const mine = await changed((manifest) => (manifest['title'] = 'Mine'))
    const other = await changed((manifest) => (manifest['name'] = 'kvrocks'))
    const { services } = read(own, mine, other, join(directory, 'none'))
    expect(services.map(({ name, title }) => [name, title])).toEqual([
      ['memcached', 'Mine'],
      ['mysql', 'MariaDB (MySQL)'],
      ['heroku-postgresql', 'PostgreSQL'],
      ['rabbitmq', 'RabbitMQ'],
      ['heroku-redis', 'Valkey (Redis)'],
      ['kvrocks', 'Memcached'],
    ])
  })

  it.each<[string, unknown, RegExp]>([
    ['name', '../evil', /name must be text like/],
    ['name', undefined, /name must be text like/],
    ['packages', ['memcached; rm -rf /'], /packages must be a list of texts/],
    ['port', 80, /port must be a whole number from 1024 to 65535/],
    ['config', { url: 'x' }, /config\.url must have a name like/],
    ['attachments', { memcachier: 'lower' }, /attachments\.memcachier must be text/],
    ['attachments', { other: 'OTHER' }, /attachments has other, which is none of its aliases/],
    ['extras', { postgis: ['a; b'] }, /extras\.postgis must be a list of texts/],
    ['packages', ['memcached-{size}'], /packages must be a list of texts/],
    ['versions', ['15;'], /versions must be a list of texts/],
    ['plans', {}, /plans is empty/],
    ['plans', { '5': {} }, /plans\.5 must have a name like/],
    ['plans', { dev: { memoryMiB: 1 } }, /plans\.dev\.memoryMiB must be a whole number from 16/],
    ['privileged', true, /privileged is not known/],
    ['data', 'yes', /data must be true or false/],
  ])('whose %s is %j are told with file and key, and left out', async (key, value, says) => {
    const services = await changed((manifest) => {
      if (value === undefined) delete manifest[key]
      else manifest[key] = value
    })
    const { services: found, problems } = read(services)
    expect(found).toEqual([])
    expect(problems).toEqual([expect.stringMatching(says)])
    expect(problems[0]).toMatch(/^service_invalid: .*memcached\/service\.json: /)
  })

  it('that are no JSON, or whose program is none, are left out', async () => {
    const broken = await changed(() => undefined)
    await chmod(join(broken, 'memcached/health'), 0o644)
    expect(read(broken).problems).toEqual([expect.stringContaining('health must lie beside it as a program')])
    await writeFile(join(broken, 'memcached/service.json'), '{')
    expect(read(broken).problems).toEqual([expect.stringContaining('cannot be read')])
  })
})
