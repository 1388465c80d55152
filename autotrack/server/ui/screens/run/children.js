// The runs that this one has started.
import { shown } from '../../columns.js'
import { CsvButton, tableRows } from '../../export.js'
import { html } from '../../html.js'
import { link, path } from '../../router.js'
import { Part } from '../../states.js'
import { Status } from '../../status.js'
import { Workflow } from './workflow.js'

/** @param {{of: any, run: any}} given */
export function Children({ of, run }) {
  return html`<${Workflow} run=${run} /><${Part} of=${of} what="the children">${(/** @type {any} */ data) => {
    const keys = Object.keys(data.cols).filter((key) => !['name', 'status', 'end', 'start', 'parent'].includes(key))
    const two = data.ids.slice(0, 50).map((/** @type {string} */ id) => id.slice(0, 12)).join(',')
    return html`<p><a class="button" href=${link('/compare', { runs: two })}>Compare them</a> <${CsvButton} name=${`runs in ${run.name || run.id.slice(0, 8)}`} rows=${() => tableRows(data)} /></p><div class="wide"><table class="list children"><thead><tr><th>name</th>${keys.map((key) => html`<th key=${key} class="number">${key.replace(/^[mpt]\./, '')}</th>`)}</tr></thead>
      <tbody>${data.ids.map((/** @type {string} */ id, /** @type {number} */ index) => html`<tr key=${id}><td><${Status} of=${data.cols.status[index]} /> <a href=${path('r', id.slice(0, 12))}>${data.cols.name[index] || id.slice(0, 8)}</a></td>${keys.map((key) => html`<td key=${key} class="number">${shown(key, data.cols[key][index])}</td>`)}</tr>`)}</tbody></table></div>`
  }}<//>`
}
