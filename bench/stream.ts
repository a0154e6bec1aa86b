import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { Restic } from '../src/backups/restic.ts'
import { digestOf } from '../src/backups/sums.ts'
import { Summed } from '../src/services/summed.ts'
import type { Row } from './table.ts'

const gibibyte = 2 ** 30
/** Of the stream; PAAS_BENCH_GIB is another number. */
const usual = 4
/** Of what is new in it, where PAAS_BENCH_GIB is more: then it repeats itself, so that a small disk holds it. */
const mostNew = 4
/** Blocks of 64 KiB that it repeats: more than restic's largest. */
const repeated = 512
/** Milliseconds between two looks at the memory of restic. */
const pace = 100

type Measured = { storedIn: number; readIn: number; own: number; restic: number }

/** What a dump of so many GiB that nothing is known of takes on its way to the target and back: time, and memory. */
export async function benchStream(): Promise<Row[]> {
  const gibibytes = Number(process.env['PAAS_BENCH_GIB'] ?? usual)
  const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, String(gibibytes)])
  const { storedIn, readIn, own, restic } = JSON.parse(stdout) as Measured
  return [
    { what: `a stream of ${gibibytes} GiB, stored`, value: (gibibytes * 1024) / storedIn, unit: 'MiB/s' },
    { what: '  read back and compared', value: (gibibytes * 1024) / readIn, unit: 'MiB/s' },
    { what: '  memory of the program, at most', value: own, unit: 'MiB', target: '≤ 250 MiB', met: own <= 250 },
    { what: '  memory of restic, at most', value: restic, unit: 'MiB' },
  ]
}

/** In a process of its own, of which nothing else is measured. */
async function measure(bytes: number): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), 'paas-stream-'))
  const { signal } = new AbortController()
  let most = 0
  const timer = setInterval(() => (most = Math.max(most, resticMemory())), pace)
  try {
    const deps = {
      repository: join(directory, 'target'),
      cacheDirectory: join(directory, 'cache'),
      passphrase: 'bench',
    }
    const restic = new Restic(deps)
    await restic.open({ make: true, signal })
    const summed = new Summed()
    const begun = performance.now()
    const passed = pipeline(Readable.from(noise(bytes), { objectMode: false }), summed)
    const names = { file: 'addon.dump', tag: 'bench', host: 'bench' }
    const [{ snapshot }] = await Promise.all([restic.storeStream(summed, names, signal), passed])
    const stored = performance.now()
    const sum = await restic.read(snapshot, 'addon.dump', { use: digestOf, signal })
    if (sum !== summed.sha256) throw new Error('what came back is not what was stored')
    const own = process.resourceUsage().maxRSS / 1024
    return { storedIn: (stored - begun) / 1000, readIn: (performance.now() - stored) / 1000, own, restic: most }
  } finally {
    clearInterval(timer)
    rmSync(directory, { recursive: true, force: true })
  }
}

/**
 * Not to be compressed, and up to `mostNew` not stored once only, as a dump is at worst: each block has its number. Then
 * the last of them again and again, which costs this program nothing.
 */
function* noise(bytes: number): Generator<Buffer> {
  const block = randomBytes(64 * 1024)
  const last: Buffer[] = []
  const blocks = Math.ceil(bytes / block.length)
  const newOnes = Math.min(blocks, (mostNew * gibibyte) / block.length)
  for (let at = 0, number = 0; at < newOnes; at++) {
    const next = Buffer.from(block)
    for (let place = 0; place < next.length; place += 256) next.writeUInt32LE((number++ * 2_654_435_761) >>> 0, place)
    if (newOnes - at <= repeated) last.push(next)
    yield next
  }
  for (let at = newOnes; at < blocks; at++) yield last[at % last.length]!
}

/** MiB, of the child that this process has at the moment. */
function resticMemory(): number {
  const pids = readdirSync(`/proc/self/task`).flatMap((task) => childrenOf(task))
  const sizes = pids.map((pid) => {
    try {
      return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
    } catch {
      return 0 // it has just ended
    }
  })
  return Math.max(0, ...sizes)
}

function childrenOf(task: string): string[] {
  return readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean)
}

if (import.meta.main) process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]) * gibibyte)))
