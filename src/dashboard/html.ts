import { html as template, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** Text that is HTML already. All other text is escaped where it stands in a template. */
export type Html = HtmlEscapedString

type Value = Html | string | number | boolean | null | undefined | Value[]

/**
 * A template whose values are escaped, but for those that are `Html`; nothing stands for null,
 * undefined and booleans. Attributes are to be in double quotes.
 */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  const made = template(strings, ...values)
  if (made instanceof Promise) throw new TypeError('a template has a promise among its values')
  return made
}

/** Markup that was made here, of nothing that anybody else wrote. */
export function ownMarkup(markup: string): Html {
  return raw(markup) as Html
}

export const nothing = html``

/** An attribute without a value that is there or not. */
export function attribute(name: 'required' | 'checked' | 'selected' | 'disabled' | 'hidden', isThere: boolean): Html {
  return isThere ? html` ${named[name]}` : nothing
}

const named = {
  required: html`required`,
  checked: html`checked`,
  selected: html`selected`,
  disabled: html`disabled`,
  hidden: html`hidden`,
}
