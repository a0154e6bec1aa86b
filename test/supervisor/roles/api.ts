import { PaasError } from '../../../src/errors.ts'
import { runRole } from '../../../src/main/run-role.ts'

await runRole('api', 'control', async () => {
  const { TEST_API_FAILS: fails, TEST_API_HANGS: hangs } = process.env
  if (fails === 'yes') throw new PaasError('settings_invalid', 'Settings: this is a test.', { hint: 'Do nothing.' })
  if (fails === 'inside') throw new Error('an inner failure')
  if (hangs) await new Promise(() => setInterval(() => undefined, 60_000))
  return new AsyncDisposableStack()
})
