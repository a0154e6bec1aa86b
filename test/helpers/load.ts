import { request } from './http.ts'
import type { TestApp } from './app.ts'

/** Asks an app for `/` again and again, one request after the other, until stopped; keeps what went wrong. */
export function watchApp(
  app: TestApp,
  expected: RegExp,
): { stop(): Promise<{ answered: number; failures: string[] }> } {
  const failures: string[] = []
  let answered = 0
  let running = true
  const loop = async (): Promise<void> => {
    while (running) {
      const failure = await ask(app, expected)
      if (failure === undefined) answered += 1
      else failures.push(failure)
      await new Promise((wake) => setTimeout(wake, 20))
    }
  }
  const done = loop()
  return {
    async stop() {
      running = false
      await done
      return { answered, failures }
    },
  }
}

async function ask(app: TestApp, expected: RegExp): Promise<string | undefined> {
  try {
    const { status, body } = await request({ port: app.server.port, host: app.host })
    return status === 200 && expected.test(body) ? undefined : `${status} ${body.slice(0, 80)}`
  } catch (cause) {
    return String(cause)
  }
}
