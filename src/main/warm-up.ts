import { flushCompileCache } from 'node:module'

/**
 * Compiles what the server consists of into Node's compile cache (NODE_COMPILE_CACHE), at set-up. Without it the
 * first start is slower, and each process holds the compiler that strips types, about 15 MiB, for as long as it runs.
 */
for (const role of ['server', 'router', 'worker', 'api', 'check']) await import(`./${role}.ts`)
// What the roles load only when it is asked for.
for (const part of ['api/metric-families', 'metrics/exposition']) await import(`../${part}.ts`)
flushCompileCache()
