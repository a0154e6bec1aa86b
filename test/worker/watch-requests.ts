import type { SiteApp } from './site-app.ts'

/** Asks an app again and again, several times at once, until stopped. */
export function watchRequests(app: SiteApp) {
  const bodies: string[] = []
  const failures: string[] = []
  let stopped = false
  const ask = async (): Promise<void> => {
    while (!stopped) {
      try {
        const { status, body } = await app.get()
        if (status === 200) bodies.push(body)
        else failures.push(`${status} ${body.slice(0, 200)}`)
      } catch (error) {
        failures.push(String(error))
      }
    }
  }
  const asking = Promise.all(Array.from({ length: 2 }, ask))
  return {
    async stop(): Promise<{ bodies: string[]; failures: string[] }> {
      stopped = true
      await asking
      return { bodies, failures }
    },
  }
}
