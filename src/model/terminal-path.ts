/** Where a browser's terminal comes to. */
const path = '/dashboard/terminal'

type Asked = { url?: string | undefined; headers: { upgrade?: string | undefined } }

/** Whether a request asks for it (RFC 6455, 4.1). */
export function isTerminal({ url, headers }: Asked): boolean {
  return url === path && headers.upgrade?.toLowerCase() === 'websocket'
}
