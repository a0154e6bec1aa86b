import { Transform } from 'node:stream'
import { label } from '../engine/labels.ts'
import { isOwn, isOwnName, type GateOwner } from './own.ts'

/** Bytes of one event. */
const longestLine = 2 ** 20

type Event = { Type?: string; Actor?: { Attributes?: Record<string, string> } }

/**
 * Of the engine's events, one a line, those of this server's containers and networks: the labels of
 * others' may say anything.
 */
export function ownEvents(owner: GateOwner): Transform {
  let pending = ''
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const lines = (pending + chunk.toString('latin1')).split('\n')
      pending = lines.pop() ?? ''
      if (pending.length > longestLine) return done(new Error('An event of the engine is too long.'))
      const own = lines.filter((line) => isOwnEvent(Buffer.from(line, 'latin1').toString(), owner))
      done(null, own.length > 0 ? Buffer.from(`${own.join('\n')}\n`, 'latin1') : undefined)
    },
  })
}

function isOwnEvent(line: string, owner: GateOwner): boolean {
  if (line.trim() === '') return false
  const { Type, Actor } = JSON.parse(line) as Event
  const { name = '', ...labels } = Actor?.Attributes ?? {}
  return Type === 'network'
    ? isOwnName(name, owner)
    : isOwn({ [label.server]: labels[label.server] ?? '' }, name, owner)
}

/** Of a list of all networks, the addresses that they take. */
export function subnetsOf(networks: string): string {
  const list = JSON.parse(networks) as { IPAM?: { Config?: { Subnet?: string }[] | null } }[]
  return JSON.stringify(
    list.map(({ IPAM }) => ({ IPAM: { Config: (IPAM?.Config ?? []).map(({ Subnet }) => ({ Subnet })) } })),
  )
}
