import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { VolumeCopy } from '../../model/volume-copy.ts'
import { TransferSlots } from '../../source/transfer-slots.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf, askerOf } from '../http/access.ts'
import { holdAnswer } from '../http/held-answer.ts'
import { lifetimes, type Passes } from '../http/passes.ts'
import { time } from '../http/shapes.ts'
import { copyOf } from './volume-copies.ts'
import { downloads, longest } from './volume-files.ts'

type Deps = Pick<ApiDeps, 'config' | 'store' | 'grants' | 'containers'> & { passes: Passes }

const kind = 'volume backup'
const nothing = Type.Object({}, { additionalProperties: false })

/** For a browser, which sends no token with a link: an address that is good for an hour. */
export function volumeFileUrlRoute(api: Api, { config, store, passes }: Deps): void {
  const path = '/apps/:app/volume-copies/:copy/actions/public-url'
  api.post(path, { config: { scope: 'protected' }, schema: { body: nothing } }, (request) => {
    const app = appOf(store, request)
    const copy = copyOf(store, app, request)
    checkWhole(copy)
    const grant = { ...askerOf(request), app: { id: app.id, role: 'deploy' } } as const
    const pass = passes.issue({ kind, id: copy.id }, grant, lifetimes.file)
    return {
      url: `${config.publicUrl}/volume-backups/${copy.id}/${pass}`,
      expires_at: time(new Date(Date.now() + lifetimes.file)),
    }
  })
}

/** No token: the address is the secret. */
export function volumeFileByUrlRoute(api: Api, { store, grants, containers, passes }: Deps): void {
  const slots = new TransferSlots(downloads, 'downloads of volumes')
  api.get('/volume-backups/:copy/:pass', { exposeHeadRoute: false }, async (request, reply) => {
    const { copy: id, pass } = request.params as { copy: VolumeCopy['id']; pass: string }
    const grant = passes.open({ kind, id }, pass)
    const signal = holdAnswer(grants, grant, reply)
    const [app, account] = [store.apps.get(grant.app!.id)!, store.accounts.find(grant.accountId)!]
    const slot = slots.take(app, account)
    try {
      const tar = await containers.readVolumeBackup(id, AbortSignal.any([signal, AbortSignal.timeout(longest)]))
      tar.once('close', () => slot[Symbol.dispose]())
      return await reply.type('application/x-tar').send(tar)
    } catch (cause) {
      slot[Symbol.dispose]()
      throw cause
    }
  })
}

/** @throws backup_missing */
function checkWhole({ id, kind: what, state, volume }: VolumeCopy): void {
  if (what === 'backup' && state.kind === 'succeeded') return
  throw new PaasError('backup_missing', `${id.slice(0, 8)} is no backup of ${volume} that is complete.`)
}
