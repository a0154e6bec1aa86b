import { at, type Platform } from './platform.ts'

/** As a log session is asked for. */
export type LogWish = {
  source?: string
  dyno?: string
  text?: string
  since?: string
  until?: string
  before?: string
  after?: string
}
export type ShownLine = { position: string; time: string; source: string; process: string; text: string }

/** The last lines that match, oldest first. */
export async function readLines(platform: Platform, app: string, wish: LogWish, lines: number): Promise<ShownLine[]> {
  const path = await logAddress(platform, app, { ...wish, lines, tail: false })
  const events = await platform.text(path, { accept: 'text/event-stream' })
  return events.split('\n\n').flatMap((event) => parseEvent(event) ?? [])
}

/** Where a log is read: below this server, good for some minutes. */
export async function logAddress(
  platform: Platform,
  app: string,
  wish: LogWish & { lines?: number; tail: boolean },
): Promise<string> {
  const made = await platform.look<{ logplex_url: string }>(at`/apps/${app}/log-sessions`, wish)
  const { pathname, search } = new URL(made.logplex_url)
  return pathname + search
}

function parseEvent(event: string): ShownLine | undefined {
  const [, position = '', line = ''] = /^(?::\n\n)?id: (\S+)\ndata: (.*)$/s.exec(event.trimStart()) ?? []
  const [, time = '', source = '', process = '', text = ''] = /^(\S+) (\w+)\[([^\]]*)\]: (.*)$/s.exec(line) ?? []
  return time === '' ? undefined : { position, time, source, process, text }
}
