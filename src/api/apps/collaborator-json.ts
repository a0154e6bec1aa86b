import { permissions, permissionsOf, type Role } from '../../model/access.ts'
import type { App } from '../../model/app.ts'
import type { Collaborator } from '../../model/collaborator.ts'
import type { Store } from '../../store/store.ts'
import { userJson } from './app-json.ts'
import { time, uuidOf } from '../http/shapes.ts'

/** Who may use an app, the owner included. */
export type Member = Pick<Collaborator, 'id' | 'accountId' | 'createdAt' | 'updatedAt'> & { role: Role }

/** The owner has no row here: the app's row names the owner. */
export function ownerOf({ id, ownerId, createdAt }: App): Member {
  const idOfOwner = uuidOf(`owner of ${id}`) as Member['id']
  return { id: idOfOwner, accountId: ownerId, role: 'owner', createdAt, updatedAt: createdAt }
}

export function collaboratorJson(store: Pick<Store, 'accounts'>, app: App, member: Member): object {
  return {
    app: { id: app.id, name: app.name },
    created_at: time(member.createdAt),
    id: member.id,
    permissions: permissionsOf(member.role).map((name) => ({ name, description: permissions[name].description })),
    role: herokuRole(member.role),
    updated_at: time(member.updatedAt),
    user: { ...userJson(store, member.accountId), federated: false },
  }
}

/** Heroku tells `view` from `deploy` by the permissions only. */
function herokuRole(role: Role): 'owner' | 'admin' | 'collaborator' {
  return role === 'owner' || role === 'admin' ? role : 'collaborator'
}
