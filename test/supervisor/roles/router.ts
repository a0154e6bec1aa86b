import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { runRole } from '../../../src/main/run-role.ts'

/** Stands in for the router where its life is tested: says its pid on the public port, and has a control socket. */
await runRole('router', 'data', async ({ config }) => {
  if (process.env['TEST_ROUTER_HANGS']) await once(process, 'disconnect')
  const stack = new AsyncDisposableStack()
  rmSync(config.paths.routerSocket, { force: true })
  for (const address of [config.httpPort, config.paths.routerSocket]) {
    const server = createServer((_, response) => response.end(String(process.pid))).listen(address)
    stack.use(server)
    await once(server, 'listening')
  }
  return stack
})
