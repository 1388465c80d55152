// (a helper writes this screen)
import { html } from '../html.js'
import { place } from '../router.js'

export function Screen() {
  return html`<main class="page"><h1>${place.value.screen}</h1></main>`
}
