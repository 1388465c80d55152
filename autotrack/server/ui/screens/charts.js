// (curves: written by a helper)
import { html } from '../html.js'

export function Charts() {
  return html`<p class="muted">charts</p>`
}
