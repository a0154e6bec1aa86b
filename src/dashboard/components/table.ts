import { html, type Html } from '../html.ts'

type Cell = Html | string | number | null

export type Column<Row> = {
  title: string
  cell: (row: Row) => Cell
  /** Numbers, which stand at the right. */
  number?: boolean
}

/**
 * `caption` is read to those who do not see what is around. On a narrow screen each row is a card,
 * where the title of its column stands in front of a cell.
 */
export function dataTable<Row>(
  caption: string,
  columns: Column<Row>[],
  rows: Row[],
  keyOf?: (row: Row) => string,
): Html {
  const kind = ({ number = false }: Column<Row>): Html => (number ? html`class="number"` : html``)
  return html`<table>
    <caption class="unseen">
      ${caption}
    </caption>
    <thead>
      <tr>
        ${columns.map((column) => html`<th scope="col" ${kind(column)}>${column.title}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr ${keyOf ? html`data-key="${keyOf(row)}"` : html``}>
            ${columns.map((column) => html`<td ${kind(column)} data-title="${column.title}">${column.cell(row)}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`
}

/** Where a list has nothing: what would be there, and how to get it. */
export function empty(title: string, what: Html | string): Html {
  return html`<div class="empty">
    <p class="empty-title">${title}</p>
    <div>${what}</div>
  </div>`
}

/** A table, or what stands in its place while there is nothing. */
export function tableOr<Row>(none: Html, caption: string, columns: Column<Row>[], rows: Row[]): Html {
  return rows.length === 0 ? none : dataTable(caption, columns, rows)
}

/** What is told of one thing: terms and what they are; those that are null are left out. */
export function facts(pairs: readonly (readonly [string, Cell])[]): Html {
  return html`<dl class="facts">
    ${pairs
      .filter(([, value]) => value !== null)
      .map(
        ([term, value]) =>
          html`<div>
            <dt>${term}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
  </dl>`
}

type Paging = { newer: string | undefined; older: string | undefined }

export function paging({ newer, older }: Paging): Html {
  if (newer === undefined && older === undefined) return html``
  return html`<nav class="paging" aria-label="Pages">
    ${newer === undefined ? html`<span></span>` : html`<a href="${newer}" rel="prev">Newer</a>`}
    ${older === undefined ? html`<span></span>` : html`<a href="${older}" rel="next">Older</a>`}
  </nav>`
}
