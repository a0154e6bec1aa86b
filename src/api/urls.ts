import type { Config } from '../config.ts'

type Location = Pick<Config, 'publicUrl' | 'domain'>

/** Where an app is reached: its name in front of the server's domain, the same scheme and port. */
export function webUrl({ publicUrl, domain }: Location, app: string): string {
  const url = new URL(publicUrl)
  url.hostname = `${app}.${domain}`
  return url.href
}

export function gitUrl({ publicUrl }: Location, app: string): string {
  return `${publicUrl}/${app}.git`
}
