import { AgedStack } from '../test/helpers/aged-stack.ts'
import { api, TestApp, until } from '../test/helpers/app.ts'
import { startServer, type TestServer } from '../test/helpers/server.ts'
import { served } from './apps.ts'
import type { Row } from './table.ts'

const count = 10

type Upgrade = { state: string; progress: string | null; apps: { state: string }[] }

/** How long the apps of a server take to come on the patched run image of their stack, each ready before it serves. */
export async function benchStackUpgrade(): Promise<Row[]> {
  await using stack = await AgedStack.create()
  await using server = await startServer({ env: { PAAS_STACKS: stack.directory } })
  await using app = await TestApp.create(server, 'node-hello')
  await app.api('PATCH', '', { build_stack: stack.name })
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(`the push failed:\n${output}`)
  const { body: releases } = await app.api<{ slug: { id: string } | null }[]>('GET', '/releases')
  for (let number = 1; number < count; number++) {
    const { name } = (await api<{ name: string }>(server, 'POST', '/apps', { body: {} })).body
    await api(server, 'POST', `/apps/${name}/releases`, { body: { slug: releases.at(-1)?.slug?.id } })
    await served(server, name)
  }
  const { images, moves } = await upgraded(server)
  return [
    { what: 'stack:upgrade, the patched run image', value: images, unit: 's' },
    {
      what: `  ${count} apps moved to it, per app`,
      value: moves / count,
      unit: 's',
      target: '≤ 5 s',
      met: moves / count <= 5,
    },
  ]
}

/** @returns seconds: until the images are there, and from then on */
async function upgraded(server: TestServer): Promise<{ images: number; moves: number }> {
  const begin = performance.now()
  const { body: asked } = await api<{ id: string }>(server, 'POST', '/stack-upgrades', { body: {} })
  const upgrade = async () => (await api<Upgrade>(server, 'GET', `/stack-upgrades/${asked.id}`)).body
  await until('the images are there', async () => (await upgrade()).progress === 'moving the apps', 300_000)
  const moving = performance.now()
  const ended = await until(
    'the upgrade is over',
    async () => {
      const now = await upgrade()
      return now.state !== 'running' && now
    },
    300_000,
  )
  const end = performance.now()
  const stayed = ended.apps.filter(({ state }) => state !== 'moved')
  if (stayed.length > 0) throw new Error(`not moved: ${JSON.stringify(stayed)}`)
  return { images: (moving - begin) / 1000, moves: (end - moving) / 1000 }
}
