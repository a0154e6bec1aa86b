import type { DnsSetter } from '../../acme-settings.ts'
import { hookSetter } from './hook.ts'
import type { RecordSetter } from './setter.ts'
import { updateSetter } from './update.ts'

export function recordSetter(setter: DnsSetter): RecordSetter {
  return setter.kind === 'exec' ? hookSetter(setter.program) : updateSetter(setter)
}
