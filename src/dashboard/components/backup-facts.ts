import type { ShownBackups } from '../data-shapes.ts'
import { html, nothing, type Html } from '../html.ts'
import { alert } from './form.ts'
import { facts } from './table.ts'
import { ago, badge, bytes, moment } from './words.ts'

/** When an add-on was backed up last, whether it was proven, how much would be lost, and where. */
export function backupFacts(one: ShownBackups): Html {
  const { kind, schedule, window, last_good: good, last_proven: proven, where } = one
  if (kind === 'none') return html`<p class="quiet">Nothing backs it up by itself.</p>`
  return html`${troubles(one)}
  ${facts([
    ['Last good', good ? ago(good.started_at) : html`<span class="quiet">none yet</span>`],
    [
      'Last proven',
      proven ? html`${ago(proven.at)}${comparedOrNot(proven)}` : html`<span class="quiet">not yet</span>`,
    ],
    ['Lost at most', lostAtMost(one)],
    ['Any moment', window ? html`from ${moment(window.from)} to ${moment(window.to)}` : null],
    ['Size', one.bytes > 0 ? bytes(one.bytes) : null],
    ['Where', where],
    ['Schedule', schedule],
  ])}`
}

function troubles({ problem, last_failed: failed, last_disproven: disproven }: ShownBackups): Html {
  const said = [
    problem,
    failed && `The last backup failed: ${failed.reason ?? 'it was not said why'}`,
    disproven && `${disproven.backup ?? 'The newest backup'} could not be restored: ${disproven.reason}`,
  ]
  return html`${said.map((text) => (text ? alert(text) : nothing))}`
}

/** It was restored and answers, but there was nothing to compare it with: as the command says. */
export function comparedOrNot({ compared }: { compared: boolean }): string {
  return compared ? '' : ' (not compared)'
}

/** `9 s`, `3 h`: of what was written last, if all of the machine were lost now. */
export function lostAtMost({ kind, recovery_point_seconds: seconds }: ShownBackups): Html {
  if (kind === 'none' || seconds === null) return badge('all of it', 'bad')
  return html`${span(seconds)}`
}

function span(seconds: number): string {
  const [size, unit] =
    seconds < 120 ? [1, 's'] : seconds < 7200 ? [60, 'min'] : seconds < 172_800 ? [3600, 'h'] : [86_400, 'days']
  return `${Math.round(seconds / size)} ${unit}`
}
