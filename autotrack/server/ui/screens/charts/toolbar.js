// How all charts of a page are drawn: what is across, linear or logarithmic, how smooth; kept in the address.
import { html } from '../../html.js'
import { useKeys } from '../../keys.js'
import { change, place } from '../../router.js'

/** @typedef {{x: string, y: string, smooth: number, clip: boolean, from?: number, to?: number}} Manner */

/** @returns {Manner} */
export function useManner() {
  const { query } = place.value
  const zoom = /^(-?[\d.e+]+)\.\.(-?[\d.e+]+)$/.exec(query.get('zoom') ?? '')
  const smooth = Math.min(0.99, Math.max(0, Number(query.get('smooth')) || 0))
  return { x: query.get('x') ?? 'step', y: query.get('y') ?? 'lin', smooth, clip: query.get('clip') === '1', from: zoom ? Number(zoom[1]) : undefined, to: zoom ? Number(zoom[2]) : undefined }
}

/** @param {{words: any, glob: string, count: number, of: number}} given */
export function Toolbar({ words, glob, count, of }) {
  const { x, y, smooth, clip, from } = useManner()
  const set = (/** @type {Record<string, any>} */ patch) => change(patch, { replace: true })
  const smoother = (/** @type {number} */ value) => set({ smooth: value ? Math.min(0.99, Math.max(0, value)).toFixed(2) : null })
  useKeys([
    { keys: 'l', does: 'logarithmic values', run: () => set({ y: y === 'log' ? null : 'log' }) },
    { keys: '[', does: 'less smooth', run: () => smoother(Math.round((smooth - 0.1) * 100) / 100) },
    { keys: ']', does: 'smoother', run: () => smoother(Math.round((smooth + 0.1) * 100) / 100) },
  ])
  return html`<div class="manner" role="toolbar" aria-label="how charts are drawn">
    <span class="muted">${words}</span>
    <input type="search" placeholder="search charts" aria-label="search charts" value=${glob} onInput=${(/** @type {any} */ event) => set({ charts: event.target.value })} />
    ${glob && html`<span class="muted">${count} of ${of}</span>`}
    <label class="muted">x <select aria-label="x axis" value=${x} onChange=${(/** @type {any} */ event) => change({ x: event.target.value === 'step' ? null : event.target.value, zoom: null }, { replace: true })}>
      <option value="step">step</option><option value="time">time</option><option value="rel">relative time</option></select></label>
    <button aria-pressed=${y === 'log'} title="Logarithmic values (l)" onClick=${() => set({ y: y === 'log' ? null : 'log' })}>log</button>
    <button aria-pressed=${clip} title="Leave out the outermost percent" onClick=${() => set({ clip: clip ? null : 1 })}>clip</button>
    <label class="muted smooth">smooth <input type="range" min="0" max="0.99" step="0.01" value=${smooth} aria-label="smoothing" onInput=${(/** @type {any} */ event) => smoother(Number(event.target.value))} /> <output>${smooth.toFixed(2)}</output></label>
    ${from !== undefined && html`<button onClick=${() => set({ zoom: null })}>Whole</button>`}
  </div>`
}
