// Scatter: any two keys against each other, coloured by a third, sized by a fourth; a box around points selects their runs.
import { html } from '../../html.js'
import { Part } from '../../states.js'
import { useTable } from './compared.js'
import { Plane } from './plane.js'

/** @param {{compared: import('./compared.js').Compared}} given */
export function View({ compared }) {
  const table = useTable(compared)
  return html`<${Part} of=${table} what="the runs" rows=${14}>${(/** @type {any} */ data) => html`<${Plane} data=${data} experiment=${compared.experiment} />`}<//>`
}
