import { PaasError } from '../../errors.ts'
import type { DataTransfer } from '../../model/data-transfer.ts'
import type { Asker } from '../../model/grant.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { holdAnswer } from '../http/held-answer.ts'
import { lifetimes, type Passes } from '../http/passes.ts'

type Deps = Pick<ApiDeps, 'config' | 'store' | 'grants' | 'containers'> & { passes: Passes }

const kind = 'backup'

/** Where a backup is downloaded for an hour, by whoever has the URL. */
export function backupFileUrl(
  { config, passes }: Pick<Deps, 'config' | 'passes'>,
  { id, appId }: DataTransfer,
  asker: Asker,
): string {
  const pass = passes.issue({ kind, id }, { ...asker, app: { id: appId, role: 'deploy' } }, lifetimes.file)
  return `${config.publicUrl}/backups/${id}/${pass}`
}

/** The backup that such a URL of this server is of, as long as it is good. */
export function backupOfFileUrl(
  { config, passes }: Pick<Deps, 'config' | 'passes'>,
  url: string,
): DataTransfer['id'] | undefined {
  const [, id, pass] = url.startsWith(`${config.publicUrl}/`)
    ? (/\/backups\/([0-9a-f-]{36})\/([^/]+)$/.exec(url) ?? [])
    : []
  if (id === undefined || pass === undefined) return undefined
  passes.open({ kind, id }, pass)
  return id as DataTransfer['id']
}

/** No token: the address is the secret. */
export function backupFileRoute(api: Api, { store, grants, containers, passes }: Deps): void {
  api.get('/backups/:backup/:pass', { exposeHeadRoute: false }, async (request, reply) => {
    const { backup: id, pass } = request.params as { backup: DataTransfer['id']; pass: string }
    holdAnswer(grants, passes.open({ kind, id }, pass), reply)
    const backup = store.dataTransfers.find(id)
    const stored = backup?.state.kind === 'succeeded' ? backup.state.stored : null
    if (!backup || !stored) throw new PaasError('backup_missing', 'The backup was deleted.')
    const content = await containers.readBackup(stored.place, AbortSignal.timeout(lifetimes.output))
    reply.header('content-length', backup.bytes)
    return reply.type('application/octet-stream').send(content)
  })
}
