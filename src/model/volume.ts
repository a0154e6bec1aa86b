import { PaasError } from '../errors.ts'
import { isOneOff } from './dyno.ts'
import { processTypePattern, type Formation } from './formation.ts'
import type { AppId, ReleaseId, VolumeId } from './ids.ts'

/**
 * A place where an app's dynos write for good. It is the app's, not a release's: a rollback changes
 * nothing of it.
 */
export type AppVolume = {
  id: VolumeId
  appId: AppId
  /** What the engine knows its data by: another volume's, once the two were switched. */
  data: VolumeId
  name: string
  /** Where dynos have it. */
  mount: string
  /** The process types whose dynos mount it; none: only one-off dynos do, as of a copy. */
  types: string[]
  /** At no time two dynos have it, but for those that can only read. */
  singleWriter: boolean
  /** The engine has it. */
  made: boolean
  /** Its data goes as soon as no dyno has it. */
  leaving: boolean
  /** The release with which it leaves. */
  leftBy: ReleaseId | null
  fill: Fill
  /** null: not measured yet. */
  bytes: number | null
  measuredAt: Date | null
  createdAt: Date
  updatedAt: Date
}

/** `near`: at least 90 % of what it may have; `full`: more than that, so that it is read-only. */
export type Fill = 'usual' | 'near' | 'full'

export type NewVolume = Pick<AppVolume, 'name' | 'mount' | 'types' | 'singleWriter'>

const mostVolumes = 10
const longestMount = 200
const nameForm = /^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/
const mountForm = /^(\/[A-Za-z0-9_.-]+)+$/
/** What a container's system is in, with all below. */
const system = /^\/(bin|boot|dev|etc|lib|lib32|lib64|libx32|proc|root|run|sbin|sys|tmp|usr)(\/|$)/
/** The app itself, what starts it, and directories of which only a part may be hidden. */
const hidesTooMuch = /^\/(app|home|opt|var(\/[^/]+)?)$|^\/app\/\./

/** How full a volume is. */
export function fillOf(bytes: number, limitMiB: number): Fill {
  const share = bytes / (limitMiB * 2 ** 20)
  return share > 1 ? 'full' : share >= 0.9 ? 'near' : 'usual'
}

/** Whether dynos of a type have a volume that only one of them may have at a time. */
export function isAlone(volumes: Pick<AppVolume, 'singleWriter' | 'types'>[], type: string): boolean {
  return volumes.some(({ singleWriter, types }) => singleWriter && types.includes(type))
}

/**
 * Whether an app may have this volume beside those that it has.
 * @throws invalid_params naming what is wrong and the rule
 */
export function checkNewVolume(wanted: NewVolume, present: AppVolume[], formation: Formation[]): void {
  const { name, mount, types, singleWriter } = wanted
  const shown = JSON.stringify(name.slice(0, 60))
  refuseIf(!nameForm.test(name), `The volume cannot be called ${shown}.`, nameRule)
  refuseIf(present.length >= mostVolumes, `The app has ${mostVolumes} volumes, the limit.`)
  checkMount(mount)
  const other = present.find((each) => areNested(each.mount, mount))
  refuseIf(other !== undefined, `${mount} overlaps with the volume ${other?.name}, which is at ${other?.mount}.`)
  checkTypes(types)
  if (!singleWriter) return
  refuseIf(types.length > 1, 'A volume with one writer at a time can be mounted by one process type only.', sharedHint)
  const several = formation.find(({ type, quantity }) => types.includes(type) && quantity > 1)
  const hint = `Scale it first: paas ps:scale ${several?.type}=1. Or create it with --shared.`
  refuseIf(
    several !== undefined,
    `${several?.type} has ${several?.quantity} dynos, and only one at a time may write.`,
    hint,
  )
}

/**
 * Whether an app may have a copy of a volume under this name beside those that it has.
 * @throws invalid_params, name_taken
 */
export function checkCopiedVolume(name: string, present: { name: string }[]): void {
  refuseIf(!nameForm.test(name), `The volume cannot be called ${JSON.stringify(name.slice(0, 60))}.`, nameRule)
  refuseIf(
    present.length >= mostVolumes,
    `The app has ${mostVolumes} volumes, the limit.`,
    'Destroy one that is not needed.',
  )
  if (!present.some((other) => other.name === name)) return
  throw new PaasError('name_taken', `The app has a volume ${name} already.`)
}

const nameRule = 'It has up to 30 lower-case letters, digits and "-", and begins with a letter.'
const sharedHint = 'Create it with --shared if several dynos may write at once.'

/** @throws invalid_params */
function checkMount(mount: string): void {
  const shown = JSON.stringify(mount.slice(0, 100))
  const rule = 'It is an absolute path such as /app/media, of letters, digits, ".", "_" and "-".'
  refuseIf(mount.length > longestMount, `The path of a volume has at most ${longestMount} characters.`)
  const isPlain = mountForm.test(mount) && !mount.split('/').some((part) => /^\.+$/.test(part))
  refuseIf(!isPlain, `A volume cannot be mounted at ${shown}.`, rule)
  refuseIf(system.test(mount), `A volume cannot be mounted at ${mount}, which belongs to the system.`)
  refuseIf(hidesTooMuch.test(mount), `A volume cannot be mounted at ${mount}: it would hide what is there.`, rule)
}

function checkTypes(types: string[]): void {
  refuseIf(types.length === 0, 'A volume is mounted by at least one process type.')
  refuseIf(new Set(types).size !== types.length, 'A process type is named twice.')
  const wrong = types.find((type) => !processTypePattern.test(type) || isOneOff({ type }))
  const hint = 'One-off dynos get all volumes of the app.'
  refuseIf(wrong !== undefined, `${JSON.stringify(wrong?.slice(0, 60))} is no process type that runs.`, hint)
}

/** One is the other, or inside it. */
function areNested(one: string, other: string): boolean {
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`)
}

function refuseIf(isWrong: boolean, message: string, hint?: string): void {
  if (isWrong) throw new PaasError('invalid_params', message, hint === undefined ? {} : { hint })
}

/**
 * One dyno at a most, where it is the only one that may write.
 * @throws invalid_params
 */
export function checkAlone(volumes: AppVolume[], { type, quantity }: { type: string; quantity: number }): void {
  const volume = volumes.find(({ singleWriter, types }) => singleWriter && types.includes(type))
  if (!volume || quantity <= 1) return
  const message = `${type} has the volume ${volume.name}, which one dyno at a time may write; it can have 1 dyno, not ${quantity}.`
  throw new PaasError('invalid_params', message, {
    hint: 'Volumes that several may write at once are created with --shared.',
  })
}
