// How a file of the code differs between two runs: beside each other where there is room, else one under the other.
import { useState } from 'preact/hooks'
import { useJson } from '../../data.js'
import { html } from '../../html.js'
import { Part } from '../../states.js'
import { paired } from './lines.js'

const WIDE = 1200

/** @param {{runs: any[], values: any[], path: string}} given `values`: what the file was in each run */
export function CodeDifference({ runs, values, path }) {
  const others = runs.slice(1).filter((_, index) => values[index + 1] !== values[0])
  const [chosen, setChosen] = useState('')
  const other = others.find((run) => run.id === chosen) ?? others[0]
  return html`<section class="code-diff" aria-label=${`how ${path} differs`}>
    ${others.length > 1 && html`<label class="muted">${runs[0].name} and <select value=${other?.id} onChange=${(/** @type {any} */ event) => setChosen(event.target.value)}>${others.map((run) => html`<option key=${run.id} value=${run.id}>${run.name || run.id.slice(0, 8)}</option>`)}</select></label>`}
    ${other && html`<${File} a=${runs[0].id} b=${other.id} path=${path} />`}
  </section>`
}

/** @param {{a: string, b: string, path: string}} given */
function File({ a, b, path }) {
  const found = useJson('/compare/code', { a, b, path })
  return html`<${Part} of=${found} what=${`the difference of ${path}`} rows=${6}>${(/** @type {any} */ data) => html`
    ${data.files.map((/** @type {any} */ file) => html`<div key=${file.path}>${file.text && html`<p class="muted">${file.text}</p>`}<${Lines} lines=${file.lines} /></div>`)}
    ${!data.files.some((/** @type {any} */ file) => file.lines.length) && html`<p class="muted">The lines of this file are not known${data.unknown.length ? `: ${data.unknown.join('; ')}` : '.'}</p>`}`}<//>`
}

/** Lines of a unified diff. @param {{lines: string[]}} given */
export function Lines({ lines }) {
  if (!lines.length) return null
  if (innerWidth < WIDE) {
    return html`<pre tabindex="0" class="unified">${lines.map((line, index) => html`<span key=${index} class=${kindOf(line)}>${line || ' '}${'\n'}</span>`)}</pre>`
  }
  return html`<table class="split"><tbody>${paired(lines).map((pair, index) => html`<tr key=${index} class=${pair.kind}>${pair.kind === 'at' ? html`<td colspan="4">${pair.left.text}</td>` : html`
    <td class="count">${pair.left.number}</td><td class=${pair.left.kind}>${pair.left.text}</td><td class="count">${pair.right.number}</td><td class=${pair.right.kind}>${pair.right.text}</td>`}</tr>`)}</tbody></table>`
}

/** @param {string} line */
const kindOf = (line) => (line.startsWith('@@') ? 'at' : line.startsWith('-') ? 'gone' : line.startsWith('+') ? 'come' : '')
