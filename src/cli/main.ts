import { runCommandLine } from './run.ts'

// The compile cache of bin/paas is for this process, not for those it starts.
delete process.env['NODE_COMPILE_CACHE']
process.exitCode = await runCommandLine(process.argv.slice(2))
