import { heading, style, table } from './output.ts'
import type { DynoJson } from './resources/apps.ts'
import { formatAge, formatTimeAndAge } from './time.ts'

/** The dynos by process type; below each one that is not up, or was not once, why. */
export function dynoLines(dynos: DynoJson[], now = new Date()): string[] {
  return Object.values(Object.groupBy(dynos, ({ type }) => type)).flatMap((all = []) => {
    const [first] = all
    if (!first) return []
    const rows = table(all.map(({ name, state, updated_at }) => [`${name}:`, state, formatTimeAndAge(updated_at, now)]))
    const indent = ' '.repeat(Math.max(...all.map(({ name }) => name.length)) + 1)
    return [
      heading(`${first.type} (${first.size}): ${first.command} (${all.length})`),
      ...all.flatMap((dyno, index) => [rows[index] ?? '', ...explain(dyno, { indent, now })]),
      '',
    ]
  })
}

function explain(dyno: DynoJson, { indent, now }: { indent: string; now: Date }): string[] {
  const text = why(dyno, now)
  const colour = dyno.reason ? 'red' : 'dim'
  return text === '' ? [] : table([[indent, text]]).map((line) => style(colour, line))
}

/** `exited with 1; crashed 4 times; starts again within 20s` */
function why({ state, reason, restarts, exit_status, next_start_at }: DynoJson, now: Date): string {
  const times = restarts === 1 ? 'once' : `${restarts} times`
  const last = exit_status === null ? '' : `, the last time with ${exit_status}`
  if (!reason) return restarts === 0 ? '' : `crashed ${times} before${last}`
  const message = /^R\d/.test(reason.id) ? `${reason.message} (${reason.id})` : reason.message
  const counted = state === 'crashed' && restarts > 1 ? `${message}; crashed ${times}` : message
  return next_start_at === null ? counted : `${counted}; starts again ${within(new Date(next_start_at), now)}`
}

function within(next: Date, now: Date): string {
  const left = next.getTime() - now.getTime()
  return left < 1000 ? 'at once' : `within ${formatAge(left)}`
}
