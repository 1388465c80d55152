// The notebook that a run was made in: the page as it looked, and the file itself.
import { address } from '../../api.js'
import { html } from '../../html.js'
import { path } from '../../router.js'
import { notebooks } from './kinds.js'
import { Framed } from './viewers.js'

/** @param {{run: any}} given */
export function Notebook({ run }) {
  const found = notebooks(run)
  const page = found.find((name) => name.endsWith('.html'))
  const raw = (/** @type {string} */ name) => address(path('runs', run.id, 'artifacts', name))
  return html`<p>${found.filter((name) => name.endsWith('.ipynb')).map((name) => html`<a key=${name} class="button" href=${raw(name)} download=${name.split('/').at(-1)}>Download ${name}</a> <a class="button" href=${path('r', run.id.slice(0, 12), 'artifacts', name)}>Show its cells</a> `)}</p>
    ${page ? html`<${Framed} url=${`${raw(page)}?view=page`} />` : html`<p class="muted">No page of it was logged.</p>`}`
}
