import { flushCompileCache } from 'node:module'

/**
 * Compiles what the server consists of into Node's compile cache (NODE_COMPILE_CACHE), at set-up.
 * Without it the first start is slower, and each process holds the compiler that strips types,
 * about 15 MiB, for as long as it runs.
 */
await import('./server.ts')
await import('./router.ts')
await import('./gate.ts')
await import('./worker.ts')
await import('./api.ts')
await import('./check.ts')
await import('./record.ts')
// Modules that the roles load only on demand.
await import('../api/server/metric-families.ts')
await import('../metrics/exposition.ts')
await import('../dashboard/dashboard.ts')
flushCompileCache()
