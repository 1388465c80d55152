// The difference: runs as columns, the first is what the others are compared with; a row for what differs.
import { useState } from 'preact/hooks'
import { save } from '../../export.js'
import { counted } from '../../format.js'
import { html } from '../../html.js'
import { useKeys } from '../../keys.js'
import { change, changed, place } from '../../router.js'
import { Empty, Part } from '../../states.js'
import { Block } from './block.js'
import { asCsv, hiddenRows, shortOf } from './differences.js'
import { Heads } from './heads.js'
import { Separated } from './separating.js'

/** @param {{compared: import('./compared.js').Compared}} given */
export function View({ compared }) {
  if (compared.many) return html`<${Part} of=${compared.beside} what="what separates the runs" rows=${12}>${(/** @type {any} */ data) => html`<${Separated} data=${data} compared=${compared} />`}<//>`
  if (compared.count === 1) return html`<${Empty} line=${`autotrack diff ${compared.ids[0]} RUN`}>One run alone: select another one beside it, or name it on the command line:<//>`
  return html`<${Part} of=${compared.beside} what="the comparison" rows=${16}>${(/** @type {any} */ data) => html`<${Table} data=${data} compared=${compared} />`}<//>`
}

/** @param {{data: any, compared: import('./compared.js').Compared}} given */
function Table({ data, compared }) {
  const { runs, blocks } = data
  const all = place.value.query.get('same') === '1'
  const [pointed, setPointed] = useState('')
  /** The ids as the address is to have them, from those of the answer. @param {string[]} ids */
  const put = (ids) => change({ runs: ids.map(shortOf).join(','), base: null })
  const order = runs.map((/** @type {any} */ run) => run.id)
  const focused = () => document.activeElement?.closest('[data-run]')?.getAttribute('data-run') || pointed
  const rebase = (/** @type {string} */ id) => put([id, ...order.filter((/** @type {string} */ each) => each !== id)])
  useKeys([
    { keys: 'd', does: 'only what differs, or everything', run: () => change({ same: all ? null : 1 }) },
    { keys: 'b', does: 'compare with the run that the pointer is at', run: () => { const id = focused(); if (id) rebase(id) } },
  ])
  const hidden = hiddenRows(blocks)
  const equal = blocks.reduce((/** @type {number} */ sum, /** @type {any} */ block) => sum + block.equal, 0)
  return html`<section class="beside">
    <p class="said muted">
      ${all ? html`${counted(equal, 'row')} equal in all. <a href=${changed({ same: null })}>Only what differs</a>` : html`<span data-hidden=${hidden}>${counted(hidden, 'equal row')} hidden.</span> <a href=${changed({ same: 1 })}>Show all</a>`}
      <span class="right"><button onClick=${() => save('comparison.csv', asCsv(runs, blocks), 'text/csv')}>CSV</button></span>
    </p>
    <div class="wide"><table class="list sides" style=${{ minWidth: `${220 + runs.length * 150}px`, maxWidth: `${220 + runs.length * 420}px` }}>
      <thead><${Heads} runs=${runs} put=${put} rebase=${rebase} onPoint=${setPointed} /></thead>
      ${blocks.map((/** @type {any} */ block) => html`<${Block} key=${block.name} block=${block} runs=${runs} />`)}
    </table></div>
  </section>`
}
