// What a run wrote for TensorBoard: the scalars of its event files, and the line that opens all of it.
import { address } from '../../api.js'
import { Copied } from '../../copy.js'
import { useJson } from '../../data.js'
import { number, size } from '../../format.js'
import { html } from '../../html.js'
import { path } from '../../router.js'
import { Sparkline } from '../../sparkline.js'
import { Part } from '../../states.js'
import { events } from './kinds.js'

/** @param {{run: any}} given */
export function TensorBoard({ run }) {
  const files = events(run)
  const found = useJson(path('plugins', 'tensorboard', 'scalars', run.id))
  const short = run.id.slice(0, 12)
  return html`<p>Images, histograms and texts are shown by TensorBoard itself:</p><p><${Copied} text=${`autotrack tensorboard ${short}`} /></p>
    <section><h2>Scalars in the event files</h2>
      <p class="muted">What was written while the run was tracked is among its metrics, too: <a href=${path('r', short, 'charts')}>charts</a>.</p>
      ${found.error?.status === 404 ? html`<p class="muted">This server does not have the plugin that reads event files.</p>` : html`<${Part} of=${found} what="the scalars">${(/** @type {any} */ data) => html`<${Scalars} of=${data} />`}<//>`}
    </section>
    <section><h2>Files</h2><table class="list narrow"><tbody>${files.map((file) => html`<tr key=${file.path}><td><a href=${path('r', short, 'artifacts', file.path)}>${file.path}</a></td><td class="number muted">${size(file.size)}</td><td><a href=${address(path('runs', run.id, 'artifacts', file.path))} download=${file.path.split('/').at(-1)}>Download</a></td></tr>`)}</tbody></table></section>`
}

/** @param {{of: {scalars: {tag: string, folder: string, steps: number[], values: (number | string)[], count: number}[], left_out: string | null}}} given */
function Scalars({ of }) {
  if (!of.scalars.length) return html`<p class="muted">No scalars in them.</p>`
  const many = new Set(of.scalars.map(({ folder }) => folder)).size > 1
  return html`<table class="list"><thead><tr>${many && html`<th>folder</th>`}<th>tag</th><th class="number">points</th><th class="number">last</th><th class="number">at step</th><th>course</th></tr></thead><tbody>
    ${of.scalars.map((each) => html`<tr key=${`${each.folder} ${each.tag}`}>${many && html`<td class="muted">${each.folder || '.'}</td>`}<td>${each.tag}</td><td class="number">${number(each.count)}</td><td class="number"><b>${number(each.values.at(-1))}</b></td><td class="number muted">${number(each.steps.at(-1))}</td><td><${Sparkline} values=${each.values} label=${each.tag} width=${220} height=${26} /></td></tr>`)}
  </tbody></table>${of.left_out && html`<p class="gap">${of.left_out}</p>`}`
}
