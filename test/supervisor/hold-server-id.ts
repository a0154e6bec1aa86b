import { loadConfig } from '../../src/config.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { holdServerId } from '../../src/server-id.ts'

/** Holds the id of PAAS_DATA until it is killed. */
const config = loadConfig()
await holdServerId({ ...config, ...openDataDirectory(config) })
process.stdout.write('held\n')
