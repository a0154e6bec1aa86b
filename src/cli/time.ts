/** `2026/11/22 11:30:31 +0000 (~ 5m ago)`, in the time zone of the machine. */
export function formatTimeAndAge(iso: string, now = new Date()): string {
  return `${formatMoment(iso)} (~ ${formatAge(now.getTime() - new Date(iso).getTime())} ago)`
}

/** `2026/11/22 11:30:31 +0000`, in the time zone of the machine. */
export function formatMoment(iso: string): string {
  const time = new Date(iso)
  const two = (value: number): string => String(value).padStart(2, '0')
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('/')
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  return `${date} ${clock} ${zone(time)}`
}

/** Milliseconds as `12s`, `5m`, `3h`, `9d`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

function zone(time: Date): string {
  const minutes = -time.getTimezoneOffset()
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}${two(Math.abs(minutes) % 60)}`
}

/** `2027-02-20`, and how many days that is away. */
export function formatEnd(iso: string): string {
  const days = Math.floor((Date.parse(iso) - Date.now()) / 86_400_000)
  return `${iso.slice(0, 10)} (${days < 0 ? 'ended' : `in ${days} days`})`
}
