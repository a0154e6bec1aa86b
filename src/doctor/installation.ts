import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Finding } from '../model/finding.ts'
import { findingsOf } from './findings.ts'
import { output } from './run.ts'

const checkout = resolve(import.meta.dirname, '../..')

/** Whether the server is a service that starts with the machine. */
export async function findService(): Promise<Finding> {
  const service = findingsOf('service')
  if (!existsSync('/run/systemd/system')) return service.unknown('systemd does not run here')
  const properties = 'LoadState,UnitFileState,ActiveState,WorkingDirectory'
  const shown = await output('systemctl', ['show', 'paas.service', `--property=${properties}`])
  return judgeService(shown ?? '', checkout)
}

/** @param shown by `systemctl show`; `code`: the checkout that looks */
export function judgeService(shown: string, code: string): Finding {
  const service = findingsOf('service')
  const of = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(shown)?.[1] ?? ''
  if (of('LoadState') !== 'loaded') {
    const advice = 'Install it: sudo npm run service'
    return service.warning('not installed: the server ends with its terminal or the machine', advice)
  }
  const is = `paas.service is ${of('ActiveState')} and ${of('UnitFileState')}, in ${of('WorkingDirectory')}`
  if (of('ActiveState') !== 'active')
    return service.bad(is, 'See why: journalctl -u paas -n 50. Start it: systemctl start paas')
  if (of('UnitFileState') !== 'enabled') return service.warning(is, 'Run: systemctl enable paas')
  if (of('WorkingDirectory') !== code) return service.warning(is, `To run ${code} instead: sudo npm run upgrade there`)
  return service.good(is)
}

/** What root runs must not be changeable by others. */
export function findCode(): Finding {
  const code = findingsOf('code')
  const places = [checkout, resolve(checkout, 'dist'), resolve(checkout, 'node_modules')]
  for (const place of places.filter((path) => existsSync(path))) {
    const { uid, mode } = statSync(place)
    const advice = `Run: chown -R root: ${checkout}; chmod -R go-w ${checkout}`
    if (uid !== 0) return code.warning(`${place} belongs to user ${uid}, who can change what the server runs`, advice)
    if ((mode & 0o022) !== 0) return code.warning(`${place} can be changed by other users`, advice)
  }
  return code.good(`${checkout} belongs to root`)
}
