import { openBody } from '../../source/body.ts'
import { TransferSlots } from '../../source/transfer-slots.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf } from '../http/access.ts'
import { patience, takeAnyBody } from '../http/upload.ts'
import { copyJson, copyOf } from './volume-copies.ts'

type Deps = Pick<ApiDeps, 'config' | 'store' | 'containers'>

/** Uploads and downloads at once. */
export const downloads = { perApp: 2, perAccount: 4 }
/** Milliseconds for all of one, at the speed of a slow line. */
export const longest = 6 * 3600_000
/** A tar has half a KiB for each file beside its bytes. */
const tarShare = 2

/** The files of a volume's copy as a tar: of a backup, from there; of an upload, to there. */
export function volumeFileRoutes(api: Api, { config, store, containers }: Deps): void {
  const slots = new TransferSlots(downloads, 'uploads and downloads of volumes')
  const role = { role: 'deploy' } as const

  api.get('/apps/:app/volume-copies/:copy/files', { config: role, exposeHeadRoute: false }, async (request, reply) => {
    const app = appOf(store, request)
    const { id } = copyOf(store, app, request)
    const slot = slots.take(app, request.identity.account)
    try {
      const tar = await containers.readVolumeBackup(id, AbortSignal.timeout(longest))
      tar.once('close', () => slot[Symbol.dispose]())
      return await reply.type('application/x-tar').send(tar)
    } catch (cause) {
      slot[Symbol.dispose]()
      throw cause
    }
  })

  void api.register(async (files: Api) => {
    takeAnyBody(files)
    const bytes = config.limits.volumeMiB * 2 ** 20 * tarShare
    files.put('/apps/:app/volume-copies/:copy/files', { bodyLimit: bytes }, async (request) => {
      const app = appOf(store, request)
      const { id } = copyOf(store, app, request)
      using _slot = slots.take(app, request.identity.account)
      const body = openBody(request.raw, { bytes, ...patience, totalMs: longest })
      await containers.fillVolume(id, body, AbortSignal.timeout(longest))
      return copyJson({ config }, app, copyOf(store, app, request))
    })
  })
}
