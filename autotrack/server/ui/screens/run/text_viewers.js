// Lines with their numbers, JSON as a tree, values as a table.
import { useEffect, useMemo, useState } from 'preact/hooks'
import { counted } from '../../format.js'
import { html } from '../../html.js'
import { MOST, sorted } from './separated.js'

const BLOCK = 2000

/** Lines that a link can lead to (`#L20`). @param {{text: string}} given */
export function Lines({ text }) {
  const lines = useMemo(() => text.split('\n'), [text])
  const wanted = Number(/^#L(\d+)$/.exec(location.hash)?.[1] ?? 0)
  const [until, setUntil] = useState(Math.max(BLOCK, wanted + 100))
  const [marked, setMarked] = useState(wanted)
  useEffect(() => document.getElementById(`L${wanted}`)?.scrollIntoView({ block: 'center' }), [])
  const mark = (/** @type {number} */ number) => {
    history.replaceState(null, '', `#L${number}`)
    setMarked(number)
  }
  return html`<div class="lines"><ol>${lines.slice(0, until).map((line, index) => html`<li key=${index} id=${`L${index + 1}`} class=${marked === index + 1 ? 'marked' : ''}><button tabIndex=${-1} aria-label=${`line ${index + 1}`} onClick=${() => mark(index + 1)}>${index + 1}</button><code>${line}</code></li>`)}</ol>
    ${lines.length > until && html`<p><button onClick=${() => setUntil(until + BLOCK)}>${counted(lines.length - until, 'more line')}</button></p>`}</div>`
}

/** @param {{of: any, name?: string, open?: boolean}} given */
export function Json({ of, name, open = true }) {
  const label = name === undefined ? '' : html`<b>${name}</b>: `
  if (of === null || typeof of !== 'object') return html`<div class="leaf">${label}<span class=${typeof of}>${JSON.stringify(of)}</span></div>`
  const entries = Object.entries(of)
  const sign = Array.isArray(of) ? `[${entries.length}]` : `{${entries.length}}`
  return html`<details class="branch" open=${open}><summary>${label}<span class="muted">${sign}</span></summary>${entries.slice(0, MOST).map(([key, value]) => html`<${Json} key=${key} of=${value} name=${key} open=${entries.length < 50} />`)}</details>`
}

/** The first row is the heading; a click on it sorts. @param {{rows: string[][], total?: number}} given `total`: how many there are in all */
export function Sheet({ rows, total }) {
  const [by, setBy] = useState({ column: -1, down: false })
  const [head = [], ...body] = rows
  const shown = useMemo(() => (by.column < 0 ? body.slice(0, MOST) : sorted(body.slice(0, MOST), by.column, by.down)), [rows, by])
  const numeric = useMemo(() => head.map((_, column) => body.length > 0 && body.slice(0, MOST).every((row) => isNumber(row[column] ?? ''))), [rows])
  const turn = (/** @type {number} */ column) => setBy({ column, down: by.column === column && !by.down })
  return html`<div class="sheet-view"><table class="list"><thead><tr>${head.map((name, column) => html`<th key=${column} class=${numeric[column] ? 'number' : ''} aria-sort=${by.column === column ? (by.down ? 'descending' : 'ascending') : 'none'}><button class="heading" onClick=${() => turn(column)}>${name || '·'}${by.column === column ? (by.down ? ' ▼' : ' ▲') : ''}</button></th>`)}</tr></thead>
    <tbody>${shown.map((row, index) => html`<tr key=${index}>${head.map((_, column) => html`<td key=${column} class=${numeric[column] ? 'number' : ''}>${row[column] ?? ''}</td>`)}</tr>`)}</tbody></table></div>
    <p class="muted">${counted(Math.min(body.length, MOST), 'row')}${total !== undefined && total > body.length ? `, the first of ${counted(total, 'row')}` : body.length > MOST ? ', the first of more' : ''}</p>`
}

/** True for what stands in a column of numbers: one, or nothing. @param {string} text */
const isNumber = (text) => text === '' || /^(nan|[+-]?inf(inity)?)$/i.test(text) || Number.isFinite(Number(text.replace('−', '-')))
