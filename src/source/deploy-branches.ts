import type { App } from '../model/app.ts'
import type { Repositories } from '../model/repositories.ts'

/**
 * The branches a push of which deploys: the app's setting, or `main`, and `master` too while there
 * is no `main`.
 */
export async function deployBranches(repositories: Pick<Repositories, 'resolve'>, app: App): Promise<string[]> {
  if (app.deployBranch !== null) return [app.deployBranch]
  return (await repositories.resolve(app.id, 'refs/heads/main')) === undefined ? ['main', 'master'] : ['main']
}
