import { randomInt } from 'node:crypto'
import { PaasError } from '../../errors.ts'
import { appNamePattern } from '../../model/app.ts'

const adjectives =
  'able airy amber bold brave breezy bright brisk calm clear clever cosy crisp deep dewy early fair fond free fresh gentle glad golden good green happy hidden keen kind light lively lucky lunar mellow merry mild misty mossy noble open plain quick quiet rapid rosy round safe sandy shy silent silver snowy soft solar steady still sunny sure swift tidy tiny warm wild wise young'.split(
    ' ',
  )
const nouns =
  'acorn badger bay beach birch bird brook bush canyon cedar cliff cloud coast comet cove crane creek dawn delta dune elm falcon fern field finch fjord forest fox garden glade grove harbor hare hawk heron hill island lagoon lake lark leaf maple marsh meadow moon moss oak ocean orchard otter owl peak pine pond prairie rain reef ridge river robin shore sky sparrow spring star stone stream summit sun swan tide trail tree valley wave willow wind wood wren'.split(
    ' ',
  )

/** @throws invalid_params that says which rule the name breaks */
export function checkAppName(name: string): void {
  if (appNamePattern.test(name)) return
  throw new PaasError('invalid_params', `The app name ${JSON.stringify(name.slice(0, 60))} ${problem(name)}.`, {
    hint: 'A name has 3 to 30 characters: lower-case letters, digits and dashes, beginning with a letter and not ending with a dash.',
  })
}

function problem(name: string): string {
  if (name.length < 3) return 'is too short'
  if (name.length > 30) return `is too long (${name.length} characters)`
  if (!/^[a-z]/.test(name)) return 'does not begin with a lower-case letter'
  if (name.endsWith('-')) return 'ends with a dash'
  return 'has a character that is not allowed'
}

/** A pleasant random name such as `quiet-harbor-4821`. */
export function generateAppName(): string {
  return `${pick(adjectives)}-${pick(nouns)}-${randomInt(1000, 10_000)}`
}

function pick(words: string[]): string {
  return words[randomInt(words.length)] ?? ''
}
