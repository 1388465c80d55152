// Tables as files: CSV by RFC 4180, with what a spreadsheet would take for a formula kept from it.
import { get } from './api.js'
import { html } from './html.js'

/** Every row of a query of `/table`, page by page. @param {import('./api.js').Query} query @returns {Promise<{ids: string[], cols: Record<string, any[]>}>} */
export async function fetchAll(query) {
  const ids = /** @type {string[]} */ (typeof query.ids === 'string' ? query.ids.split(',') : [])
  /** @type {{ids: string[], cols: Record<string, any[]>}} */
  const all = { ids: [], cols: {} }
  for (let offset = 0; ; offset += 1000) {
    const part = ids.length ? { ...query, ids: ids.slice(offset, offset + 1000).join(',') } : { ...query, offset }
    const page = await get('/table', { ...part, limit: 1000 })
    all.ids.push(...page.ids)
    for (const [key, values] of Object.entries(page.cols)) (all.cols[key] ??= []).push(.../** @type {any[]} */ (values))
    if (ids.length ? offset + 1000 >= ids.length : page.ids.length < 1000) return all
  }
}

/** An answer of `/table` as rows, the headings first. @param {{ids: string[], cols: Record<string, any[]>}} table @returns {any[][]} */
export function tableRows({ ids, cols }) {
  const keys = Object.keys(cols)
  return [['run', ...keys], ...ids.map((id, row) => [id, ...keys.map((key) => cols[key][row])])]
}

/** @param {any[][]} rows the first has the headings */
export const csv = (rows) => rows.map((row) => row.map(field).join(',')).join('\r\n') + '\r\n'

/** What saves a table, with all digits. @param {{name: string, rows: () => any[][]}} given */
export function CsvButton({ name, rows }) {
  return html`<button class="quiet" title="Save this table, with all digits" onClick=${() => save(`${name}.csv`, csv(rows()), 'text/csv')}>CSV</button>`
}

/** @param {any} value */
function field(value) {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) && !Number.isFinite(Number(value)) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Hands a file to the user. @param {string} name @param {string | Blob} content @param {string} [media] */
export function save(name, content, media = 'text/plain') {
  const anchor = document.createElement('a')
  anchor.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type: media }))
  anchor.download = name.replace(/[\\/:*?"<>|]/g, '_')
  anchor.click()
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000)
}
