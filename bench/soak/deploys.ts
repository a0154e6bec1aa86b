import { until, type TestApp } from '../../test/helpers/app.ts'
import { pause } from './pace.ts'
import type { Stage } from './stage.ts'
import type { Tally } from './tally.ts'

/** Milliseconds for a release to serve. */
const patience = 90_000

/** What the server said it has done to an app, for good. */
type Accepted = { commit: string; round: string; releases: number }

type Deps = { stage: Stage; tally: Tally; everySeconds: number }

/**
 * Pushes to one app after the other, with a config change between two pushes, until `signal`. What each brought must serve at once. At the end
 * the record must hold all that was accepted.
 */
export async function deploy({ stage, tally, everySeconds }: Deps, signal: AbortSignal): Promise<void> {
  const accepted = new Map<TestApp, Accepted>()
  for (const app of stage.apps) accepted.set(app, { commit: await app.repository.head(), round: '0', releases: 3 })
  for (let n = 1; await pause((everySeconds * 1000) / 2, signal); n++) {
    const app = stage.apps[(n >> 1) % stage.apps.length]!
    const [kind, act] = n % 2 === 1 ? (['push', push] as const) : (['config change', changeConfig] as const)
    try {
      await act(app, String(n), accepted.get(app)!)
      tally.did(kind)
    } catch (cause) {
      tally.cut(kind, `${app.name}: ${String(cause)}`)
    }
  }
  for (const [app, what] of accepted) await compare(app, what, tally)
}

async function push(app: TestApp, version: string, accepted: Accepted): Promise<void> {
  await app.repository.write('version.txt', version)
  const commit = await app.repository.commit(`Version ${version}`)
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(`the push exited with ${code}: ${output.slice(-1_000)}`)
  accepted.commit = commit
  accepted.releases++
  const { status, body } = await app.get('/version')
  if (body !== version) throw new Error(`after the push of version ${version} answers ${status} ${body.slice(0, 80)}`)
}

async function changeConfig(app: TestApp, round: string, accepted: Accepted): Promise<void> {
  await app.api('PATCH', '/config-vars', { SOAK_ROUND: round })
  accepted.round = round
  accepted.releases++
  await until(
    `${app.name} runs with round ${round}`,
    async () => {
      const { status, body } = await app.get('/round')
      if (status !== 200) throw new Error(`while its config changed it answered ${status} ${body.slice(0, 80)}`)
      return body === round
    },
    patience,
  )
}

/** A push that failed may have been accepted all the same, and what it brought is not missed then. */
async function compare(app: TestApp, accepted: Accepted, tally: Tally): Promise<void> {
  const { body: config } = await app.api<Record<string, string>>('GET', '/config-vars')
  if (config['SOAK_ROUND'] !== accepted.round)
    tally.lost('row', `${app.name}: SOAK_ROUND is ${config['SOAK_ROUND']}, ${accepted.round} was accepted`)
  const { body: releases } = await app.api<unknown[]>('GET', '/releases')
  if (releases.length < accepted.releases)
    tally.lost('row', `${app.name}: ${releases.length} releases, ${accepted.releases} were accepted`)
  const { output } = await app.repository.git('ls-remote', 'paas', 'refs/heads/main')
  const known = await app.repository.git('merge-base', '--is-ancestor', accepted.commit, output.slice(0, 40))
  if (known.code !== 0) tally.lost('row', `${app.name}: main is at ${output}, ${accepted.commit} was accepted`)
}
