// A notebook file: its cells with what they showed. Pictures are shown, other markup is not: the page of it has that.
import { html } from '../../html.js'
import { Markdown } from '../../markdown.js'
import { plain } from './logs.js'

const MOST = 500

/** @param {{of: any}} given */
export function Cells({ of }) {
  const cells = of.cells.slice(0, MOST)
  return html`<div class="cells">${cells.map((/** @type {any} */ cell, /** @type {number} */ index) => html`<${Cell} key=${index} of=${cell} />`)}
    ${of.cells.length > MOST && html`<p class="muted">the first ${MOST} of ${of.cells.length} cells</p>`}</div>`
}

/** @param {{of: any}} given */
function Cell({ of }) {
  const source = joined(of?.source)
  if (of?.cell_type === 'markdown') return html`<${Markdown} text=${source} />`
  const outputs = Array.isArray(of?.outputs) ? of.outputs : []
  return html`<div class="cell"><span class="muted mono">[${of?.execution_count ?? ' '}]</span><div><pre tabindex="0">${source}</pre>${outputs.map((/** @type {any} */ output, /** @type {number} */ index) => html`<${Output} key=${index} of=${output} />`)}</div></div>`
}

/** @param {{of: any}} given */
function Output({ of }) {
  if (of?.output_type === 'stream') return html`<pre tabindex="0" class="shown">${plain(joined(of.text))}</pre>`
  if (of?.output_type === 'error') return html`<pre tabindex="0" class="shown bad">${plain(joined((of.traceback ?? []).join('\n')))}</pre>`
  const data = of?.data ?? {}
  for (const media of ['image/png', 'image/jpeg', 'image/gif']) {
    const coded = joined(data[media]).replace(/\s/g, '')
    if (coded && /^[A-Za-z0-9+/=]+$/.test(coded)) return html`<img src=${`data:${media};base64,${coded}`} alt="output" />`
  }
  const text = joined(data['text/plain'])
  return text ? html`<pre tabindex="0" class="shown">${text}</pre>` : null
}

/** @param {any} text a text, or a list of lines */
const joined = (text) => (Array.isArray(text) ? text.map(String).join('') : typeof text === 'string' ? text : '')
