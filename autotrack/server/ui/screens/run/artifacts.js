// The files of a run: a tree, and beside it the file or folder that the address names.
import { useState } from 'preact/hooks'
import { address } from '../../api.js'
import { CopyButton } from '../../copy.js'
import { useJson } from '../../data.js'
import { counted, size } from '../../format.js'
import { html } from '../../html.js'
import { path, place } from '../../router.js'
import { Failed, Part } from '../../states.js'
import { ModelCard } from './model_card.js'
import { Viewer } from './viewers.js'

/** @param {{run: any}} given */
export function Artifacts({ run }) {
  const [words, setWords] = useState('')
  const top = useJson(path('runs', run.id, 'artifacts'))
  const chosen = place.value.path.rest ?? ''
  return html`<div class="artifacts">
    <nav class="tree" aria-label="files">
      <input type="search" placeholder="filter files" aria-label="filter files" value=${words} onInput=${(/** @type {any} */ event) => setWords(event.target.value)} />
      ${words ? html`<${Found} run=${run} words=${words} chosen=${chosen} />` : html`<${Part} of=${top} what="the files">${(/** @type {any} */ data) => html`<${Folder} run=${run} entries=${data.files} chosen=${chosen} />`}<//>`}
    </nav>
    <section class="viewer" aria-label="file">${chosen ? html`<${Chosen} key=${chosen} run=${run} file=${chosen} />` : html`<${Listing} run=${run} folder="" />`}</section>
  </div>`
}

/** @param {{run: any, entries: any[], chosen: string}} given */
function Folder({ run, entries, chosen }) {
  const models = new Set((run.models ?? []).map((/** @type {any} */ model) => model.path))
  return html`<ul>${entries.map((entry) => html`<${Entry} key=${entry.path} run=${run} entry=${entry} chosen=${chosen} model=${models.has(entry.path)} />`)}</ul>`
}

/** @param {{run: any, entry: any, chosen: string, model: boolean}} given */
function Entry({ run, entry, chosen, model }) {
  const within = chosen === entry.path || chosen.startsWith(`${entry.path}/`)
  const [open, setOpen] = useState(within)
  const name = entry.path.split('/').at(-1)
  const inside = useJson(entry.is_folder && (open || within) ? path('runs', run.id, 'artifacts') : null, { path: entry.path })
  const href = path('r', run.id.slice(0, 12), 'artifacts', entry.path)
  if (!entry.is_folder) return html`<li><a href=${href} aria-current=${chosen === entry.path ? 'true' : undefined}><span>${name}</span><small>${size(entry.size)}</small></a></li>`
  const shown = open || within
  return html`<li><a href=${href} aria-expanded=${shown} aria-current=${chosen === entry.path ? 'true' : undefined} onClick=${() => setOpen(!open)}><span>${shown ? '▾' : '▸'} ${name}</span>${model && html`<small class="chip good">model</small>`}</a>
    ${shown && inside.data && html`<${Folder} run=${run} entries=${inside.data.files} chosen=${chosen} />`}</li>`
}

/** @param {{run: any, words: string, chosen: string}} given */
function Found({ run, words, chosen }) {
  const found = (run.artifacts ?? []).filter((/** @type {any} */ each) => each.path.toLowerCase().includes(words.toLowerCase()))
  return html`<ul>${found.slice(0, 500).map((/** @type {any} */ each) => html`<li key=${each.path}><a href=${path('r', run.id.slice(0, 12), 'artifacts', each.path)} aria-current=${chosen === each.path ? 'true' : undefined}><span>${each.path}</span><small>${size(each.size)}</small></a></li>`)}</ul>
    <p class="muted">${counted(found.length, 'file')}</p>`
}

/** @param {{run: any, file: string}} given */
function Chosen({ run, file }) {
  const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : ''
  const around = useJson(path('runs', run.id, 'artifacts'), { path: folder })
  const record = (run.artifacts ?? []).find((/** @type {any} */ each) => each.path === file)
  const model = (run.models ?? []).find((/** @type {any} */ each) => each.path === file)
  if (around.error) return html`<${Gone} run=${run} file=${file} error=${around.error} />`
  if (!around.data) return null
  const entry = around.data.files.find((/** @type {any} */ each) => each.path === file)
  if (!entry) return html`<${Gone} run=${run} file=${file} />`
  if (model) return html`<${ModelCard} run=${run} model=${model} />`
  if (entry.is_folder) return html`<${Listing} run=${run} folder=${file} />`
  const raw = address(path('runs', run.id, 'artifacts', file))
  const siblings = around.data.files.filter((/** @type {any} */ each) => !each.is_folder).map((/** @type {any} */ each) => each.path)
  return html`<header class="file"><b>${file}</b><span class="muted">${size(entry.size)}</span>${record?.sha256 && html`<span class="muted mono" title=${record.sha256}>sha256 ${record.sha256.slice(0, 12)}</span>`}
      <span class="acts"><a class="button" href=${raw} download=${file.split('/').at(-1)}>Download</a> <${CopyButton} text=${file}>Copy path<//> <${CopyButton} text=${`autotrack artifacts get ${run.id.slice(0, 12)} ${file}`}>Copy command<//></span></header>
    <${Viewer} run=${run.id} file=${file} bytes=${entry.size} siblings=${siblings} />`
}

/** A file that is not there: the nearest folder that is. @param {{run: any, file: string, error?: any}} given */
function Gone({ run, file, error }) {
  if (error && error.status !== 404) return html`<${Failed} what=${file} error=${error} retry=${() => location.reload()} />`
  const parts = file.split('/').slice(0, -1)
  while (parts.length && !(run.artifacts ?? []).some((/** @type {any} */ each) => each.path.startsWith(`${parts.join('/')}/`))) parts.pop()
  const nearest = parts.join('/')
  return html`<div class="empty" data-status="404"><h2>There is no file <code>${file}</code></h2><p><a href=${path('r', run.id.slice(0, 12), 'artifacts', ...(nearest ? [nearest] : []))}>${nearest ? `The folder ${nearest}` : 'All files of the run'}</a></p></div>`
}

/** @param {{run: any, folder: string}} given */
function Listing({ run, folder }) {
  const inside = useJson(path('runs', run.id, 'artifacts'), { path: folder })
  return html`<${Part} of=${inside} what=${folder}>${(/** @type {any} */ data) => html`<h2>${folder || counted((run.artifacts ?? []).length, 'file')}</h2><table class="list narrow"><tbody>${data.files.map((/** @type {any} */ each) => html`<tr key=${each.path}><td><a href=${path('r', run.id.slice(0, 12), 'artifacts', each.path)}>${each.path.split('/').at(-1)}${each.is_folder ? '/' : ''}</a></td><td class="number muted">${each.is_folder ? '' : size(each.size)}</td></tr>`)}</tbody></table>`}<//>`
}
