import type { Silence } from './control/protocol.ts'
import type { LiveTarget } from './target.ts'
import type { StreamVisitor } from './http2/stream-visitor.ts'
import type { VisitorConnection } from './visitor-connection.ts'

type AnyVisitor = VisitorConnection | StreamVisitor
type Parts = { targets: Iterable<LiveTarget>; visitors: Iterable<AnyVisitor> }

/** The targets in use of which nothing has come for so long. Costs nothing while nobody asks. */
export function findSilences({ targets, visitors }: Parts, forMs: number): Silence[] {
  const now = performance.now()
  const held = new Set([...visitors].map(heldTarget))
  return [...targets].flatMap((target) => {
    const silentMs = target.silentFor(now)
    if (target.retired || silentMs < forMs) return []
    return [{ id: target.id, silentMs: Math.round(silentMs), owes: target.owes, held: held.has(target) }]
  })
}

/**
 * The one that has nothing to do until this visitor sends the rest of the request, which it takes,
 * or takes what there is of the answer.
 */
function heldTarget({ exchange, outbox, requestComplete, held }: AnyVisitor): LiveTarget | undefined {
  if (!exchange?.ready) return undefined
  const isSending = !exchange.answered && !requestComplete && !held
  return isSending || outbox.full ? exchange.target : undefined
}
