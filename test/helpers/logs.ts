import type { TestApp } from './app.ts'
import { request } from './http.ts'

/** The newest lines of the app's log. */
export async function readLog(app: TestApp): Promise<string> {
  const { body } = await app.api<{ logplex_url: string }>('POST', '/log-sessions', { lines: 1500, tail: false })
  const { pathname, search } = new URL(body.logplex_url)
  const { port, url } = app.server
  return (await request({ port, host: new URL(url).host, path: pathname + search })).body
}
