import { html, type Html } from '../html.ts'

/** What is left of a terminal's language in output and logs: colours (ECMA-48, SGR). */
const colours = /\u001b\[([\d;]*)m/g

/** What a program printed, as text with its colours; nothing in it is HTML. */
export function terminal(text: string): Html[] {
  const parts: Html[] = []
  let [from, classes] = [0, '']
  for (const mark of text.matchAll(colours)) {
    add(parts, text.slice(from, mark.index), classes)
    from = mark.index + mark[0].length
    classes = after(classes, mark[1] ?? '')
  }
  add(parts, text.slice(from), classes)
  return parts
}

function add(parts: Html[], text: string, classes: string): void {
  if (text === '') return
  parts.push(classes === '' ? html`${text}` : html`<span class="${classes}">${text}</span>`)
}

/** The classes that hold after a mark: its numbers are taken one by one. */
function after(classes: string, numbers: string): string {
  let names = new Set(classes.split(' ').filter(Boolean))
  for (const number of (numbers || '0').split(';').map(Number)) {
    const colour = /^c\d$/
    if (number === 0) names = new Set()
    else if (number === 1) names.add('bold')
    else if (number === 2) names.add('dim')
    else if (number === 22) names = new Set([...names].filter((name) => name !== 'bold' && name !== 'dim'))
    else if (number === 39) names = new Set([...names].filter((name) => !colour.test(name)))
    else if ((number >= 30 && number <= 37) || (number >= 90 && number <= 97)) {
      names = new Set([...[...names].filter((name) => !colour.test(name)), `c${number % 10}`])
    }
  }
  return [...names].join(' ')
}
