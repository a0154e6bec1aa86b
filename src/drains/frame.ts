import type { LogLine } from '../model/app-log.ts'
import { formatTime } from '../logs/line.ts'

/**
 * Severity "informational" of the facilities local7 (what apps print), local3 (requests) and local0
 * (RFC 5424 section 6.2.1).
 */
const priorities = { app: 190, router: 158, platform: 134 }

/**
 * A line as HTTPS drains get it: syslog as Logplex has it, which leaves the structured data of RFC
 * 5424 out, in octet-counted frames (RFC 6587 section 3.4.1).
 * https://devcenter.heroku.com/articles/log-drains
 */
export function logplexFrame(line: LogLine): string {
  return counted(`${head(line, 'host')} - ${line.text}\n`)
}

/**
 * A line as syslog servers get it: RFC 5424 with the drain's token as the host, in octet-counted
 * frames.
 */
export function syslogFrame(line: LogLine, token: string): string {
  return counted(`${head(line, token)} - - ${line.text}\n`)
}

function head({ time, source, process }: LogLine, host: string): string {
  const platform = process === 'router' ? 'router' : 'platform'
  return `<${priorities[source === 'app' ? 'app' : platform]}>1 ${formatTime(time)} ${host} ${source} ${process}`
}

function counted(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`
}
