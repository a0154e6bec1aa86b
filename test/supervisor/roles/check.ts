import { run } from '../../../src/main/check.ts'

await run()
