// Contour: a metric over two params, as far as runs tell; the points that it rests on are drawn over it.
import { html } from '../../html.js'
import { Part } from '../../states.js'
import { useTable } from './compared.js'
import { Plane } from './plane.js'

/** @param {{compared: import('./compared.js').Compared}} given */
export function View({ compared }) {
  const table = useTable(compared)
  return html`<${Part} of=${table} what="the runs" rows=${14}>${(/** @type {any} */ data) => html`<${Plane} data=${data} experiment=${compared.experiment} contour />`}<//>`
}
