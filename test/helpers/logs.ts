import type { TestApp } from './app.ts'
import { request } from './http.ts'

/**
 * The newest lines of the app's log: 1,500, which a busy app writes in some seconds.
 * @param only of them: what `source` and `dyno` of a log session are
 */
export async function readLog(app: TestApp, only: { source?: string; dyno?: string } = {}): Promise<string> {
  const asked = { lines: 1500, tail: false, ...only }
  const { body } = await app.api<{ logplex_url: string }>('POST', '/log-sessions', asked)
  const { pathname, search } = new URL(body.logplex_url)
  const { port, url } = app.server
  return (await request({ port, host: new URL(url).host, path: pathname + search })).body
}
