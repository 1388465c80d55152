// Brushes in words: each can be changed by typing, taken away, and set on any axis without a mouse.
import { heading } from '../../columns.js'
import { html } from '../../html.js'

/** @param {{axes: import('./axes.js').Axis[], brushes: Map<string, import('./axes.js').Brush>, put: (key: string, brush: import('./axes.js').Brush | null) => void}} given */
export function Brushes({ axes, brushes, put }) {
  const free = axes.filter((axis) => !brushes.has(axis.key))
  const add = (/** @type {any} */ event) => {
    const axis = axes.find((each) => each.key === event.target.value)
    if (axis) put(axis.key, axis.kind === 'category' ? { among: axis.categories.slice(0, 1) } : { low: axis.low, high: axis.high })
    event.target.value = ''
  }
  return html`<span class="brushes">
    ${[...brushes].map(([key, brush]) => html`<span key=${key} class="brush" data-brush=${key}>${heading(key)} ${'among' in brush ? html`<${Among} axis=${axes.find((axis) => axis.key === key)} among=${brush.among} put=${(/** @type {string[]} */ among) => put(key, among.length ? { among } : null)} />` : html`
      <input aria-label=${`least ${heading(key)}`} value=${brush.low} onChange=${(/** @type {any} */ event) => Number.isFinite(Number(event.target.value)) && put(key, { ...brush, low: Number(event.target.value) })} />
      – <input aria-label=${`greatest ${heading(key)}`} value=${brush.high} onChange=${(/** @type {any} */ event) => Number.isFinite(Number(event.target.value)) && put(key, { ...brush, high: Number(event.target.value) })} />`}
      <button class="quiet" aria-label=${`Take the brush of ${heading(key)} away`} onClick=${() => put(key, null)}>×</button></span>`)}
    ${free.length > 0 && html`<select aria-label="brush an axis" onChange=${add}><option value="">brush…</option>${free.map((axis) => html`<option key=${axis.key} value=${axis.key}>${heading(axis.key)}</option>`)}</select>`}
  </span>`
}

/** @param {{axis: import('./axes.js').Axis | undefined, among: string[], put: (among: string[]) => void}} given */
function Among({ axis, among, put }) {
  const rest = (axis?.categories ?? []).filter((each) => !among.includes(each))
  return html`${among.map((each) => html`<button key=${each} class="quiet" title="Leave it out" onClick=${() => put(among.filter((one) => one !== each))}>${each}</button>`)}
    ${rest.length > 0 && html`<select aria-label="one more" onChange=${(/** @type {any} */ event) => event.target.value && put([...among, event.target.value])}><option value="">+</option>${rest.map((each) => html`<option key=${each}>${each}</option>`)}</select>`}`
}
