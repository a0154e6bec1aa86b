import { PaasError } from '../errors.ts'
import { Client } from './client.ts'
import type { AppOptions } from './command.ts'
import { readRemote } from './repository.ts'
import { chooseServer } from './server.ts'

export const usualRemote = 'paas'

/** The API of the server the user is logged in to. @throws unauthorized */
export function connect(wantedServer?: string): Client {
  const server = chooseServer(wantedServer)
  if (server.token !== undefined) return new Client(server)
  throw new PaasError('unauthorized', `You are not logged in to ${server.url}.`, {
    hint: `Log in with: paas login ${server.url}, or set PAAS_URL and PAAS_TOKEN.`,
  })
}

/**
 * The API and the app a command is about: `-a NAME` on the usual server, else the app and the
 * server that the git remote leads to. `path` is the app's in the API.
 * @throws app_missing
 */
export async function connectToApp(options: AppOptions): Promise<{ api: Client; app: string; path: string }> {
  const { app, server } = await chooseApp(options)
  return { api: connect(server), app, path: `/apps/${encodeURIComponent(app)}` }
}

async function chooseApp({ app, remote }: AppOptions): Promise<{ app: string; server?: string }> {
  if (app !== undefined) return { app }
  const found = await readRemote(remote ?? usualRemote)
  if (found) return found
  throw new PaasError('app_missing', `Which app? There is no git remote "${remote ?? usualRemote}" of an app here.`, {
    hint: 'Name it with -a NAME, or connect this repository with: paas git:remote -a NAME',
  })
}
