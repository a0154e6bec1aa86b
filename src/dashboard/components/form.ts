import { attribute, html, nothing, type Html } from '../html.ts'
import { ApiRefusal } from '../platform.ts'

export type FormField = {
  name: string
  label: string
  /** Of the element, where a page has several of this name. */
  id?: string
  /** A moment is sent as `2026-11-26T14:03:07`, without a zone. */
  type?: 'text' | 'email' | 'password' | 'number' | 'search' | 'datetime-local'
  value?: string
  help?: string | Html
  autocomplete?: string
  required?: boolean
  /** HTML's, which must match all of the text. */
  pattern?: string
  placeholder?: string
}

export function field({ name, label, type = 'text', value = '', help, required = false, ...more }: FormField): Html {
  const id = more.id ?? `field-${name}`
  return html`<div class="field">
    <label for="${id}">${label}</label>
    <input
      id="${id}"
      name="${name}"
      type="${type}"
      value="${value}"
      ${attribute('required', required)}
      ${more.autocomplete ? html`autocomplete="${more.autocomplete}"` : nothing}
      ${more.pattern ? html`pattern="${more.pattern}"` : nothing}
      ${type === 'datetime-local' ? html`step="1"` : nothing}
      ${more.placeholder ? html`placeholder="${more.placeholder}"` : nothing}
      ${help ? html`aria-describedby="${id}-help"` : nothing}
    />
    ${help ? html`<p class="help" id="${id}-help">${help}</p>` : nothing}
  </div>`
}

type Choice = Pick<FormField, 'name' | 'id' | 'value'> & {
  label: string | Html
  options: readonly (readonly [string, string])[]
}

/** `options`: value and text of each. */
export function select({ name, id = `field-${name}`, label, value = '', options }: Choice): Html {
  return html`<div class="field">
    <label for="${id}">${label}</label>
    <select id="${id}" name="${name}">
      ${options.map(
        ([one, text]) => html`<option value="${one}" ${attribute('selected', one === value)}>${text}</option>`,
      )}
    </select>
  </div>`
}

type Area = Pick<FormField, 'name' | 'label' | 'value' | 'help' | 'placeholder'> & { rows?: number }

/** Text of several lines. */
export function area({ name, label, value = '', help, rows = 8, placeholder }: Area): Html {
  const id = `field-${name}`
  // The first line break after the tag is no part of the text (HTML, 4.10.11), so there is one.
  return html`<div class="field">
    <label for="${id}">${label}</label>
    <textarea
      id="${id}"
      name="${name}"
      rows="${rows}"
      spellcheck="false"
      ${placeholder ? html`placeholder="${placeholder}"` : nothing}
      ${help ? html`aria-describedby="${id}-help"` : nothing}
    >
${value}</textarea>
    ${help ? html`<p class="help" id="${id}-help">${help}</p>` : nothing}
  </div>`
}

/** `action`: of the page's actions. */
export function submit(text: string, action?: string, kind: 'main' | 'plain' | 'danger' = 'main'): Html {
  return action === undefined
    ? html`<button class="${kind}">${text}</button>`
    : html`<button class="${kind}" name="do" value="${action}">${text}</button>`
}

export function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}" />`
}

/** @throws ApiRefusal where the name of what is lost was not typed */
export function checkTyped(form: URLSearchParams, name: string): void {
  if (form.get('confirm') === name) return
  throw new ApiRefusal(422, { id: 'confirmation_required', message: `Type ${name} to confirm.` })
}

/** Why something was refused. */
export function alert(message: string): Html {
  return html`<p class="alert" role="alert">${message}</p>`
}

type Confirmation = {
  title: string
  /** What will happen, in sentences. */
  consequences: (string | Html)[]
  /** Of the page. */
  action: string
  button: string
  danger?: boolean
  /** What the action needs, sent along. */
  fields?: Record<string, string>
  /** Fields that may be filled. */
  choices?: Html
  /** Has to be typed first. */
  typed?: string
  token: Html
  /** Where the form is sent, and where who thinks better of it goes. */
  here: string
  back: string
}

/** Says what will happen before it does; a page of its own, so that it needs no script. */
export function confirmation(asked: Confirmation): Html {
  const {
    title,
    consequences,
    action,
    button,
    danger = false,
    fields = {},
    choices = nothing,
    typed,
    token,
    here,
    back,
  } = asked
  return html`
    <form method="post" action="${here}" class="card stack">
      <h2>${title}</h2>
      <ul class="consequences">
        ${consequences.map((text) => html`<li>${text}</li>`)}
      </ul>
      ${token} ${Object.entries(fields).map(([name, value]) => hidden(name, value))} ${choices}
      ${
        typed === undefined
          ? nothing
          : field({ name: 'confirm', label: `Type ${typed} to confirm`, required: true, autocomplete: 'off' })
      }
      <p class="buttons">${submit(button, action, danger ? 'danger' : 'main')} <a href="${back}">Cancel</a></p>
    </form>
  `
}
