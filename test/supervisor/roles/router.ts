import { once } from 'node:events'
import { run } from '../../../src/main/router.ts'

/** The real one; on demand it starts only when its supervisor is gone. */
if (process.env['TEST_ROUTER_HANGS']) await once(process, 'disconnect')
await run()
