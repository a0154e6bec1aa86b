import type { Act } from '../model/audit.ts'
import type { Push } from './pushes.ts'

/** A ref that is pushed, as the audit log has it. */
export function actOfPush({ app, account, from }: Push, ref: string, commit: string): Act {
  return {
    action: 'git.push',
    account: { id: account.id, email: account.email },
    via: 'git',
    token: from.token,
    client: from.client,
    app: { id: app.id, name: app.name },
    resource: ref,
    detail: { commit },
  }
}
