import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AppBuilder } from '../build/builder.ts'
import { PackHost } from '../build/pack-host.ts'
import { othersPacks, type OthersPack } from './others.ts'

/** Where OWNER/NAME of each is: `https://` and the host of code, or a directory of clones. */
const from = process.env['PAAS_TEST_PACKS']

describe.skipIf(from === undefined)('real packs of others, from a server of the tests', () => {
  let host: PackHost
  beforeAll(async () => {
    host = await PackHost.start()
  })
  afterAll(() => host?.[Symbol.asyncDispose]())

  it.each(othersPacks)('$repository gives an app: $does', async ({ printed, answers, env, ...pack }) => {
    await using app = await appFor(pack)
    const result = await app.build({ buildpacks: await buildpacks(pack), config: pack.config ?? {} })
    expect(app.output).toMatch(printed)
    await using running = await app.serve(result, env)
    expect(await running.get('/')).toMatchObject({ status: 200, body: expect.stringMatching(answers) })
  })

  async function appFor({ files }: Pick<OthersPack, 'files'>): Promise<AppBuilder> {
    const app = await host.builder.app(files)
    for (const [path, text] of Object.entries(files)) {
      if (text.startsWith('#!')) await chmod(join(app.repository.path, path), 0o755)
    }
    await app.repository.commit('Programs')
    return app
  }

  async function buildpacks({ repository, buildpacks }: Pick<OthersPack, 'repository' | 'buildpacks'>) {
    const name = repository.split('/').at(-1) ?? ''
    const url = await host.server.copy(name, `${from}/${repository}`)
    await host.server.git(name, 'tag', 'tried')
    const tarball = await host.server.tarball(name)
    return buildpacks.map((pack) => (pack === '.' ? `${url}#tried` : pack === '.tgz' ? tarball : pack))
  }
})
