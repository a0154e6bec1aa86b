/**
 * The lines that tell a client what becomes of its connection after this answer. `Keep-Alive` (RFC
 * 2068 section 19.7.1.1; nginx and Node send it; Firefox, Node's `fetch` and its agents that have a
 * timeout heed it) keeps it from asking on a connection that is just being closed. RFC 9110 section
 * 7.6.1: `Connection` names it.
 * @param keptFor milliseconds that it may be idle; undefined: it is closed
 * @param upgrade `Upgrade` is among the fields
 */
export function formatConnection(keptFor: number | undefined, { upgrade }: { upgrade: boolean }): string {
  const also = upgrade ? ', Upgrade' : ''
  if (keptFor === undefined) return `Connection: close${also}\r\n`
  return `Connection: keep-alive${also}\r\nKeep-Alive: timeout=${Math.floor(keptFor / 1000)}\r\n`
}
