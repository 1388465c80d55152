// The heads of compared runs: what each is, which one is the base; dragged to another place, taken out.
import { useState } from 'preact/hooks'
import { age, moment } from '../../format.js'
import { html } from '../../html.js'
import { look } from '../../palette.js'
import { path } from '../../router.js'
import { Status } from '../../status.js'
import { moved } from './differences.js'

/** @param {{runs: any[], put: (ids: string[]) => void, rebase: (id: string) => void, onPoint: (id: string) => void}} given */
export function Heads({ runs, put, rebase, onPoint }) {
  const [dragged, setDragged] = useState('')
  const ids = runs.map((run) => run.id)
  const several = new Set(runs.map((run) => run.experiment)).size > 1
  const drop = (/** @type {string} */ at) => {
    if (dragged && dragged !== at) put(moved(ids, dragged, at))
    setDragged('')
  }
  return html`<tr class="heads"><th scope="col"></th>${runs.map((run, index) => html`<th key=${run.id} scope="col" data-run=${run.id} class=${`${index ? '' : 'base'}${dragged === run.id ? ' dragged' : ''}`}
    draggable="true" onMouseEnter=${() => onPoint(run.id)}
    onDragStart=${(/** @type {DragEvent} */ event) => { event.dataTransfer?.setData('text/plain', run.id); setDragged(run.id) }} onDragEnd=${() => setDragged('')}
    onDragOver=${(/** @type {Event} */ event) => dragged && event.preventDefault()} onDrop=${(/** @type {Event} */ event) => { event.preventDefault(); drop(run.id) }}>
    <span class="who"><i class="swatch" style=${{ background: look(index).colour }}></i><${Status} of=${run.status} /> <a href=${path('r', run.id.slice(0, 12))} title=${run.name}>${run.name || run.id.slice(0, 8)}</a></span>
    <span class="muted about" title=${moment(run.start)}>${several ? `${run.experiment} · ` : ''}<code>${run.id.slice(0, 8)}</code> · ${age(run.start)}</span>
    <span class="acts">${index ? html`<button class="quiet" title="Compare the others with this run (b)" onClick=${() => rebase(run.id)}>Make base</button>` : html`<span class="chip">base</span>`}
      ${runs.length > 2 && html`<button class="quiet" aria-label=${`Take out ${run.name}`} title="Take this run out" onClick=${() => put(ids.filter((id) => id !== run.id))}>×</button>`}</span>
  </th>`)}</tr>`
}
