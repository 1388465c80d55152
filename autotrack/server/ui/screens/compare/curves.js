// The curves of the runs that are compared: the best ones where there are many.
import { html } from '../../html.js'
import { number } from '../../format.js'
import { useJson } from '../../data.js'
import { Part } from '../../states.js'
import { change, place } from '../../router.js'
import { Sections } from '../charts.js'
import { useTable } from './compared.js'

/** @param {{compared: import('./compared.js').Compared}} given */
export function View({ compared }) {
  return compared.many ? html`<${Best} compared=${compared} />` : html`<${Few} compared=${compared} />`
}

/** @param {{compared: import('./compared.js').Compared}} given */
function Few({ compared }) {
  const table = useTable(compared)
  return html`<${Part} of=${table} what="the runs" rows=${12}>${(/** @type {any} */ data) => html`<${Sections} runs=${runsOf(data)} keys=${data.chosen.metrics} words="" />`}<//>`
}

/** @param {{compared: import('./compared.js').Compared}} given */
function Best({ compared }) {
  const { experiment: exp, where, total } = compared
  const known = useJson('/columns', { exp, where })
  const lines = Math.min(100, Number(place.value.query.get('lines')) || 10)
  const { main, goal, metrics } = known.data ?? {}
  const found = useJson(known.data ? '/table' : null, { exp, where, sort: main ? (goal === 'max' ? `-${main}` : main) : '', limit: lines, cols: 'name' }, { keep: true })
  const words = html`<label>top <input class="top" type="number" min="1" max="100" value=${lines} onChange=${(/** @type {any} */ event) => change({ lines: event.target.value }, { replace: true })} /> of ${number(total)}</label> by ${main ? main.slice(2) : 'age'}`
  return html`<${Part} of=${{ ...found, error: found.error ?? known.error }} what="the runs" rows=${12}>${(/** @type {any} */ data) => html`<${Sections} runs=${runsOf(data)} keys=${metrics ?? []} words=${words} />`}<//>`
}

/** @param {any} data */
const runsOf = (data) => data.ids.map((/** @type {string} */ id, /** @type {number} */ index) => ({ id, name: data.cols.name[index] || id.slice(0, 8), index }))
