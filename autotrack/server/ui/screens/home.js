// All experiments.
import { useJson } from '../data.js'
import { counted } from '../format.js'
import { useTrail } from '../frame.js'
import { html } from '../html.js'
import { path } from '../router.js'
import { Empty, Part } from '../states.js'

export function Screen() {
  useTrail([])
  const found = useJson('/experiments', {})
  return html`<main class="page">
    <h1>Experiments</h1>
    <${Part} of=${found} what="the experiments">
      ${(/** @type {any} */ data) =>
        data.experiments.length
          ? html`<table class="list"><tbody>
              ${data.experiments.map((/** @type {any} */ each) => html`<tr key=${each.id}><td><a href=${path('e', each.name)}>${each.name}</a></td></tr>`)}
            </tbody></table><p class="muted">${counted(data.experiments.length, 'experiment')}</p>`
          : html`<${Empty} line="autotrack demo">No runs yet. Train something with autotrack.enable(), or fill this store:<//>`}
    <//>
  </main>`
}
