import { loadConfig } from '../../src/config.ts'
import { openDataDirectory } from '../../src/data-directory.ts'

process.stdout.write(openDataDirectory(loadConfig()).serverId)
