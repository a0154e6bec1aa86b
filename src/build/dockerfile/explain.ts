import type { Registries } from '../../model/network.ts'
import { PaasError } from '../../errors.ts'
import { cleanLine } from '../../model/clean-line.ts'
import { isAllowedImage, nameRegistries } from './registries.ts'

/** Characters of a step, and of what was wrong with it, that are told. */
const longest = 300

const notFetched = 'it cannot be fetched from here'

/**
 * The builder's error in words of ours. What another server answered is never among them: it may be
 * any service's that a registry's name or a redirection leads to.
 */
export function explainFailure(errors: string, registries: Registries): PaasError {
  const error = firstError(errors)
  if (error.includes('no space left on device')) {
    return new PaasError('disk_full', "The disk that holds Docker's data is full.")
  }
  const image = imageIn(error)
  if (image !== undefined) return unobtainable(image, error, registries)
  const { step, reason } = stepIn(error)
  if (step === '') return failed(ownWords(reason) || 'The builder exited without a reason.')
  return failed(`${shortened(step)}: ${reasonOf(reason)}`)
}

/** From the first line that begins so; what comes behind it may be another server's. */
function firstError(errors: string): string {
  const mark = '\nError: '
  const start = `\n${errors}`.indexOf(mark)
  return start < 0 ? '' : errors.slice(start + mark.length - 1).trim()
}

/** The name of an image that could not be fetched. */
function imageIn(error: string): string | undefined {
  const unknown = error.indexOf(': image not known')
  if (unknown >= 0) return wordAt(error, error.lastIndexOf(' ', unknown - 1) + 1)
  const mark = ['docker://', 'COPY --from=', 'short-name "', 'parsing reference "'].find((one) => error.includes(one))
  return mark && wordAt(error, error.indexOf(mark) + mark.length)
}

/** Up to a blank or a quote, without what separates it from the next. */
function wordAt(text: string, start: number): string {
  const [word = ''] = text.slice(start).split(/[\s"]/, 1)
  const name = [':', ','].includes(word.at(-1) ?? '') ? word.slice(0, -1) : word
  return name.endsWith(':latest') ? name.slice(0, -':latest'.length) : name
}

function unobtainable(image: string, error: string, registries: Registries): PaasError {
  const ours = 'paas/debian-13, paas/debian-13-node or paas/debian-13-build'
  const hint = `Use an image of this server (${ours}) or one from: ${nameRegistries(registries)}.`
  const name = shortened(image)
  if (isAllowedImage(image, registries)) return failed(`The image ${name} cannot be pulled: ${whyNot(error)}.`, hint)
  return failed(`The registry of the image ${name} is not allowed on this server.`, hint)
}

function whyNot(error: string): string {
  const text = error.toLowerCase()
  const says = (...words: string[]): boolean => words.some((word) => text.includes(word))
  if (says('manifest unknown', 'name unknown', 'image not known')) return 'there is no such image'
  if (says('unauthorized', 'access to the resource is denied')) return 'its registry requires a login'
  if (says('invalid reference', 'parsing reference', 'short-name')) return 'it is not a valid image name'
  if (says('toomanyrequests')) return 'its registry received too many requests'
  return 'its registry cannot be reached, or is not a registry'
}

/** `building at STEP "RUN false": exit status 1`, where the step may have quotes too. */
function stepIn(error: string): { step: string; reason: string } {
  const mark = 'building at STEP "'
  const start = error.indexOf(mark)
  if (start < 0) return { step: '', reason: error }
  const text = error.slice(start + mark.length)
  const end = /exit status \d{1,3}$/.test(text) ? text.lastIndexOf('": ') : text.indexOf('": ')
  return { step: text.slice(0, end), reason: text.slice(end + '": '.length) }
}

function reasonOf(reason: string): string {
  const [, status] = /exit status (\d{1,3})$/.exec(reason) ?? []
  if (status !== undefined) return `exited with ${status}`
  const [, code] = /invalid response status (\d{3})$/.exec(reason) ?? []
  if (code !== undefined) return `the answer was ${code}`
  return ownWords(reason)
}

/** What the builder itself can have said. */
function ownWords(text: string): string {
  if (text.includes('://')) return notFetched
  const [own = ''] = text.split(' &imagebuilder.', 1)
  return shortened(own.split('copier: stat: ').at(-1) ?? '')
}

function shortened(text: string): string {
  const line = cleanLine(
    text
      .slice(0, 4 * longest)
      .replaceAll(/\s+/g, ' ')
      .trim(),
  )
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}

function failed(message: string, hint?: string): PaasError {
  return new PaasError('build_failed', message, hint === undefined ? {} : { hint })
}
