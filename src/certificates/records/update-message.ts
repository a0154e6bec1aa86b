import { createHmac, randomInt } from 'node:crypto'
import type { TsigKey } from '../../acme-settings.ts'

/** Numbers of RFC 1035, 2136 and 8945. */
const types = { soa: 6, txt: 16, tsig: 250 }
const classes = { in: 1, none: 254, any: 255 }
const opcodeUpdate = 5 << 11
/** Seconds that the clocks of both may differ. */
const fudge = 300
/** Seconds that others may keep the record. */
const timeToLive = 30

export type TextChange = { zone: string; name: string; text: string; verb: 'set' | 'unset' }

/**
 * Adds a text to a name, or takes that one away (RFC 2136), signed if there is a key (RFC 8945).
 * @param now seconds since 1970
 */
export function updateMessage(
  change: TextChange,
  key: TsigKey | undefined,
  now: number,
): { id: number; bytes: Buffer } {
  const id = randomInt(65_536)
  const message = Buffer.concat([
    numbers(id, opcodeUpdate, 1, 0, 1, 0),
    wireName(change.zone),
    numbers(types.soa, classes.in),
    recordOf(change),
  ])
  if (key === undefined) return { id, bytes: message }
  const bytes = Buffer.concat([message, signatureOf(message, { id, key, now })])
  bytes.writeUInt16BE(1, 10) // one additional record
  return { id, bytes }
}

/** The code of an answer: RFC 2136 section 2.2; undefined for what is no answer to `id`. */
export function answerCode(bytes: Buffer, id: number): number | undefined {
  if (bytes.length < 12 || bytes.readUInt16BE(0) !== id || (bytes[2]! & 0x80) === 0) return undefined
  return bytes[3]! & 0x0f
}

function recordOf({ name, text, verb }: TextChange): Buffer {
  const [ofClass, life] = verb === 'set' ? [classes.in, timeToLive] : [classes.none, 0]
  const data = Buffer.concat([Buffer.of(text.length), Buffer.from(text, 'latin1')])
  return Buffer.concat([wireName(name), numbers(types.txt, ofClass), long(life), numbers(data.length), data])
}

function signatureOf(message: Buffer, { id, key, now }: { id: number; key: TsigKey; now: number }): Buffer {
  const algorithm = wireName(key.algorithm)
  const time = Buffer.alloc(6)
  time.writeUIntBE(now, 0, 6)
  const head = [wireName(key.name), numbers(classes.any), long(0)]
  const signed = Buffer.concat([message, ...head, algorithm, time, numbers(fudge, 0, 0)])
  const hash = key.algorithm.slice('hmac-'.length)
  const mac = createHmac(hash, Buffer.from(key.secret, 'base64')).update(signed).digest()
  const data = Buffer.concat([algorithm, time, numbers(fudge, mac.length), mac, numbers(id, 0, 0)])
  return Buffer.concat([wireName(key.name), numbers(types.tsig, classes.any), long(0), numbers(data.length), data])
}

function wireName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(label, 'latin1'))
  return Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)])
}

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2)
  return bytes
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
