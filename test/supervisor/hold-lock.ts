import { lockFile } from '../../src/lock.ts'

const lock = await lockFile(process.argv[2] ?? '')
lock?.describe(String(process.pid))
process.stdout.write(lock ? 'held' : 'refused')
setInterval(() => undefined, 60_000)
