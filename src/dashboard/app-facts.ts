import type { Role } from '../model/access.ts'
import type { ShownApp, Viewer } from './page.ts'
import { at, type Platform } from './platform.ts'

/** The app of a page, and what the viewer is to it. @throws ApiRefusal */
export async function findApp(
  platform: Platform,
  viewer: Viewer,
  name: string,
): Promise<{ app: ShownApp; role: Role }> {
  const app = await platform.get<ShownApp>(at`/apps/${name}`)
  if (viewer.admin || app.owner.id === viewer.id) return { app, role: 'owner' }
  const everybody = await platform.get<Member[]>(at`/apps/${name}/collaborators`)
  const own = everybody.find(({ user }) => user.id === viewer.id)
  return { app, role: own ? roleOf(own) : 'view' }
}

type Member = { user: { id: string }; permissions: { name: string }[] }

/** By what Heroku's permissions tell of it. */
function roleOf({ permissions: granted }: Member): Role {
  const has = (name: string): boolean => granted.some((permission) => permission.name === name)
  return has('manage') ? 'admin' : has('deploy') ? 'deploy' : 'view'
}
