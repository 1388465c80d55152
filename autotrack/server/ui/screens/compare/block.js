// One block of a comparison: its rows, and how many are hidden because they are equal.
import { useState } from 'preact/hooks'
import { counted } from '../../format.js'
import { html } from '../../html.js'
import { CodeDifference } from './code.js'
import { deltaText, direction, rowName, turn, valueText } from './differences.js'

const NAMES = /** @type {Record<string, string>} */ ({ signature: 'Signature', result: 'Result', params: 'Params', code: 'Code', environment: 'Environment', data: 'Data', tags: 'Tags' })

/** @param {{block: any, runs: any[]}} given */
export function Block({ block, runs }) {
  const [open, setOpen] = useState(/** @type {string | null} */ (null))
  const { name, rows, equal, hidden } = block
  const differing = rows.filter((/** @type {any} */ row) => !row.same).length
  const said = differing ? `${counted(differing, 'difference')}${hidden ? `, ${counted(hidden, 'row')} equal` : ''}` : equal ? `no difference, ${counted(equal, 'row')} equal` : name === 'signature' ? 'no difference' : 'nothing known'
  return html`<tbody data-block=${name}>
    <tr class="block"><th scope="rowgroup" colspan=${runs.length + 1}>${NAMES[name] ?? name} <span class="muted">${said}</span></th></tr>
    ${rows.map((/** @type {any} */ row) => {
      const about = rowName(name, row.key)
      const shown = open === row.key
      return html`<tr key=${row.key} data-key=${row.key} class=${row.same ? 'same' : ''}>
          <th scope="row" title=${row.key}>${about.kind && html`<span class="muted">${about.kind} </span>`}${row.path && !row.same ? html`<button class="file" aria-expanded=${shown} onClick=${() => setOpen(shown ? null : row.key)}>${shown ? '▾' : '▸'} ${about.name}</button>` : about.name}</th>
          ${row.values.map((/** @type {any} */ value, /** @type {number} */ index) => html`<${Value} key=${runs[index].id} row=${row} value=${value} index=${index} inventory=${['signature', 'code', 'environment', 'data'].includes(name)} />`)}
        </tr>
        ${shown && html`<tr class="opened"><td colspan=${runs.length + 1}><${CodeDifference} runs=${runs} values=${row.values} path=${row.path} /></td></tr>`}`
    })}
  </tbody>`
}

/** @param {{row: any, value: any, index: number, inventory: boolean}} given */
function Value({ row, value, index, inventory }) {
  const delta = deltaText(row, index)
  const word = inventory && index ? turn(row.values[0], value) : ''
  const kind = `${value === null ? 'none' : ''} ${index && value !== row.values[0] ? 'other' : ''} ${index ? '' : 'base'}`
  return html`<td class=${kind} title=${value === null ? '' : String(value)}><span class=${String(value).length < 24 ? 'value short' : 'value'}>${valueText(row, value)}</span>
    ${delta && html` <span class=${`delta ${direction(row, index)}`}>${delta}</span>`}
    ${word && word !== 'changed' && html` <span class="chip">${word}</span>`}</td>`
}
