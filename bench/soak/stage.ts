import { chmod, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { TestApp } from '../../test/helpers/app.ts'
import { TestRepository } from '../../test/helpers/repository.ts'
import { startServer, type TestServer } from '../../test/helpers/server.ts'
import type { SoakOptions } from './options.ts'

/** The server of one soak with its apps. */
export type Stage = AsyncDisposable & {
  server: TestServer
  apps: TestApp[]
  /** Where each role has its socket (see `probe.cjs`). */
  probes: string
}

/** A server as people run it, but for its probes and without a limit of API calls; each of its apps serves. */
export async function setStage({ apps: count, fault }: SoakOptions): Promise<Stage> {
  await using made = new AsyncDisposableStack()
  const probes = await mkdtemp(join(tmpdir(), 'paas-soak-'))
  await chmod(probes, 0o1777) // each role is a user of its own
  made.defer(() => rm(probes, { recursive: true, force: true }))
  const server = made.use(await startServer({ env: environment(probes, fault) }))
  const apps: TestApp[] = []
  for (let n = 0; n < count; n++) apps.push(made.use(await deployApp(server, fault)))
  const life = made.move()
  return { server, apps, probes, [Symbol.asyncDispose]: () => life.disposeAsync() }
}

function environment(probes: string, fault: string | undefined): Record<string, string> {
  return {
    NODE_OPTIONS: `--require=${resolve(import.meta.dirname, 'probe.cjs')}`,
    SOAK_PROBES: probes,
    PAAS_API_REQUESTS_PER_HOUR: 'off',
    PAAS_DEPLOY_HOLD: '3',
    ...(fault === undefined ? {} : { SOAK_FAULT: fault }),
  }
}

async function deployApp(server: TestServer, fault: string | undefined): Promise<TestApp> {
  const repository = await TestRepository.empty()
  await cp(resolve(import.meta.dirname, 'app'), repository.path, { recursive: true })
  await repository.write('version.txt', '0')
  await repository.commit('First version')
  const app = await TestApp.create(server, repository)
  await app.api('PATCH', '/config-vars', { SOAK_ROUND: '0', ...(fault === undefined ? {} : { SOAK_FAULT: fault }) })
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(`the first push failed:\n${output}`)
  return app
}
