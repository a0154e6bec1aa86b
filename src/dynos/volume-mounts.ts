import { AppLock } from '../app-lock.ts'
import type { Dyno, DynoSpec, Engine } from '../engine/engine.ts'
import type { Mount } from '../engine/volumes.ts'
import { PaasError } from '../errors.ts'
import { isOneOff } from '../model/dyno.ts'
import type { AppVolume } from '../model/volume.ts'
import type { Store } from '../store/store.ts'

type Used = {
  engine: Pick<Engine, 'runDyno' | 'attachDyno' | 'createVolume' | 'listDynos'>
  store: Pick<Store, 'volumes' | 'formations'>
}

type Given = { volume: AppVolume; readOnly: boolean }

/**
 * Whatever starts a dyno or a one-off, it gets the volumes of its app, and here alone it is decided
 * that none gets a volume to write to that another one may still write to.
 */
export function withVolumes<E extends Engine>(engine: E, store: Used['store']): E {
  const used = { engine, store }
  const turns = new AppLock()
  const turn = async <T>(spec: DynoSpec, start: (spec: DynoSpec) => Promise<T>): Promise<T> => {
    if (store.volumes.list(spec.appId).length === 0) return start(spec)
    return turns.run(spec.appId, async () => start({ ...spec, volumes: await mountsFor(used, spec) }))
  }
  return {
    ...engine,
    runDyno: (spec, signal) => turn(spec, (mounted) => engine.runDyno(mounted, signal)),
    attachDyno: (spec, terminal, signal) => turn(spec, (mounted) => engine.attachDyno(mounted, terminal, signal)),
  }
}

async function mountsFor(used: Used, spec: DynoSpec): Promise<Mount[]> {
  const given = await whatIsFree(used, spec, givenTo(used.store, spec))
  for (const { volume } of given) if (!volume.made) await make(used, volume)
  await refuseSecondWriter(used, spec, given)
  return given.map(({ volume, readOnly }) => ({
    id: volume.data,
    owner: volume.appId,
    at: volume.mount,
    ...(readOnly ? { readOnly } : volume.singleWriter ? { alone: true } : {}),
  }))
}

/**
 * A dyno has those of its type, to read only where a volume is full. A one-off has all, but may
 * write to one with a single writer only while no dyno would.
 */
function givenTo({ volumes, formations }: Used['store'], { appId, type }: DynoSpec): Given[] {
  const all = volumes.list(appId)
  if (!isOneOff({ type })) {
    const own = all.filter(({ types }) => types.includes(type))
    return own.map((volume) => ({ volume, readOnly: volume.fill === 'full' }))
  }
  const running = formations.list(appId).filter(({ quantity }) => quantity > 0)
  const mayWrite = ({ singleWriter, fill, types }: AppVolume): boolean =>
    !singleWriter || (type === 'run' && (fill === 'full' || !running.some((each) => types.includes(each.type))))
  return all.map((volume) => ({ volume, readOnly: !mayWrite(volume) }))
}

/** A copy that no process type has may be written by the first one-off dyno that has it. */
async function whatIsFree({ engine }: Used, { appId }: DynoSpec, given: Given[]): Promise<Given[]> {
  if (!given.some(({ volume }) => volume.types.length === 0)) return given
  const dynos = await engine.listDynos({ appId })
  return given.map(({ volume, readOnly }) => {
    const isTaken = volume.types.length === 0 && dynos.some((dyno) => mayStillWrite(dyno, volume))
    return { volume, readOnly: readOnly || isTaken }
  })
}

/** The engine has it from here on; if it is gone later, that is a loss. */
async function make({ engine, store }: Used, { id, data, appId, name }: AppVolume): Promise<void> {
  await engine.createVolume({ id: data, owner: appId, kind: 'volume', name })
  store.volumes.recordMade(id)
}

/** @throws volume_in_use */
async function refuseSecondWriter({ engine }: Used, { appId, name }: DynoSpec, given: Given[]): Promise<void> {
  const wanted = given.filter(({ volume, readOnly }) => volume.singleWriter && !readOnly)
  if (wanted.length === 0) return
  const dynos = await engine.listDynos({ appId })
  for (const { volume } of wanted) {
    const writer = dynos.find((dyno) => mayStillWrite(dyno, volume))
    if (!writer) continue
    const message = `${name} cannot start: ${writer.name} has the volume ${volume.name}, which one dyno at a time may write.`
    const hint = isOneOff(writer) ? `Stop it with: paas ps:stop ${writer.name}` : 'Try again when it has stopped.'
    throw new PaasError('volume_in_use', message, { hint })
  }
}

/** A one-off that has ended stays so; the engine may start a dyno again as long as it is there. */
function mayStillWrite(dyno: Dyno, { data }: AppVolume): boolean {
  return dyno.writes?.includes(data) === true && !(isOneOff(dyno) && dyno.state.kind === 'exited')
}
