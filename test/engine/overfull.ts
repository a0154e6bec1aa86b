import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'

/** Run as the worker's user: prints which dynos of a server are over each limit, a line of JSON a limit. */
const [serverId = '', ...limits] = process.argv.slice(2)
const engine = connectDocker({ docker: loadConfig().docker, serverId, log: createLog('test', 'error') })
for (const limit of limits) {
  const found = await engine.overfullDynos(Number(limit))
  console.log(JSON.stringify(found.map(({ dyno, excess }) => `${dyno.name} ${excess}`).toSorted()))
}
