// Files of the same path beside each other; two images also one over the other, with a line that is drawn across.
import { useEffect, useMemo, useState } from 'preact/hooks'
import { address } from '../../api.js'
import { useData, useJson } from '../../data.js'
import { size } from '../../format.js'
import { html } from '../../html.js'
import { look } from '../../palette.js'
import { change, changed, path, place } from '../../router.js'
import { Empty, Part } from '../../states.js'

const IMAGES = /** @type {Record<string, string>} */ ({ png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', svg: 'image/svg+xml' })
const TEXT = /\.(txt|log|csv|tsv|json|ya?ml|md|py|toml|cfg|ini|html?)$|(^|\/)[^.]+$/i
const MOST_TEXT = 64 * 1024
const COLUMNS = 6

/** @param {{compared: import('./compared.js').Compared}} given */
export function View({ compared }) {
  const { many, beside } = compared
  if (many) return html`<${Empty}>Select some runs in the table: their files are shown beside each other here.<//>`
  return html`<${Part} of=${beside} what="the runs">${(/** @type {any} */ data) => html`<${Listed} key=${data.runs.map((/** @type {any} */ run) => run.id).join()} runs=${data.runs.slice(0, COLUMNS)} of=${data.runs.length} />`}<//>`
}

/** @param {{runs: any[], of: number}} given */
function Listed({ runs, of }) {
  const records = runs.map((run) => useJson(`/runs/${run.id}`))
  const words = place.value.query.get('files') ?? ''
  const paths = useMemo(() => {
    /** @type {Map<string, any[]>} */
    const all = new Map()
    records.forEach((record, index) => {
      for (const file of record.data?.artifacts ?? []) {
        const own = all.get(file.path) ?? Array(runs.length).fill(null)
        own[index] = file
        all.set(file.path, own)
      }
    })
    return [...all].sort((a, b) => count(b[1]) - count(a[1]) || a[0].localeCompare(b[0]))
  }, records.map((record) => record.data))
  const shown = paths.filter(([name]) => name.toLowerCase().includes(words.toLowerCase()))
  const wanted = place.value.query.get('path')
  const chosen = shown.find(([name]) => name === wanted) ?? shown.find(([name, own]) => /\.(png|jpe?g|svg)$/i.test(name) && count(own) > 1) ?? shown[0]
  if (records.some((record) => record.data === undefined && !record.error)) return null
  if (!paths.length) return html`<${Empty} line="autotrack.log_artifact('plot.png')">None of these runs has a file. Keep one with:<//>`
  return html`<div class="files-beside"><div>
      <input type="search" placeholder="search files" aria-label="search files" value=${words} onInput=${(/** @type {any} */ event) => change({ files: event.target.value }, { replace: true })} />
      ${of > runs.length && html`<p class="muted">the first ${runs.length} of ${of} runs</p>`}
      <ul class="paths">${shown.slice(0, 500).map(([name, own]) => html`<li key=${name}><a href=${changed({ path: name })} aria-current=${name === chosen?.[0] ? 'true' : undefined}><span>${name}</span><span class="muted">${alike(own) ? 'same' : `${count(own)} of ${runs.length}`}</span></a></li>`)}</ul></div>
    ${chosen && html`<${Beside} key=${chosen[0]} name=${chosen[0]} files=${chosen[1]} runs=${runs} />`}</div>`
}

/** @param {any[]} own */
const count = (own) => own.filter(Boolean).length

/** @param {any[]} own */
const alike = (own) => own.every((file) => file?.sha256 && file.sha256 === own[0]?.sha256)

/** @param {{name: string, files: any[], runs: any[]}} given */
function Beside({ name, files, runs }) {
  const media = IMAGES[name.split('.').pop()?.toLowerCase() ?? '']
  const there = runs.filter((_, index) => files[index])
  return html`<section aria-label=${name}>
    ${media && there.length >= 2 && html`<${Swipe} name=${name} media=${media} runs=${there} />`}
    <div class="shown-beside">${runs.map((run, index) => html`<figure key=${run.id}><figcaption><i class="swatch" style=${{ background: look(index).colour }}></i><a href=${path('r', run.id.slice(0, 12), 'artifacts', name)}>${run.name || run.id.slice(0, 8)}</a> <span class="muted">${files[index] ? size(files[index].size) : 'has no such file'}</span></figcaption>
      ${files[index] && (media ? html`<${Picture} run=${run.id} name=${name} media=${media} />` : TEXT.test(name) ? html`<${Text} run=${run.id} name=${name} />` : html`<p class="muted mono">sha256 ${files[index].sha256?.slice(0, 16)}</p>`)}</figure>`)}</div>
  </section>`
}

/** The address of a file's bytes as an image of this page. @param {string} run @param {string} name @param {string} media */
function usePicture(run, name, media) {
  const [url, setUrl] = useState('')
  useEffect(() => {
    let made = ''
    let here = true
    void fetch(address(path('runs', run, 'artifacts', name))).then((answer) => answer.blob()).then((blob) => {
      if (!here) return
      made = URL.createObjectURL(new Blob([blob], { type: media }))
      setUrl(made)
    })
    return () => {
      here = false
      URL.revokeObjectURL(made)
    }
  }, [run, name])
  return url
}

/** @param {{run: string, name: string, media: string}} given */
function Picture({ run, name, media }) {
  const url = usePicture(run, name, media)
  return url && html`<img src=${url} alt=${name} />`
}

/** @param {{name: string, media: string, runs: any[]}} given */
function Swipe({ name, media, runs }) {
  const [share, setShare] = useState(50)
  const below = usePicture(runs[0].id, name, media)
  const above = usePicture(runs[1].id, name, media)
  if (!below || !above) return null
  return html`<details open><summary>${runs[0].name} under ${runs[1].name}</summary><div class="shown-beside"><div><div class="swipe"><img src=${below} alt=${`${name} of ${runs[0].name}`} /><img src=${above} alt=${`${name} of ${runs[1].name}`} style=${{ clipPath: `inset(0 0 0 ${share}%)` }} /></div>
    <input class="swipe-line" type="range" min="0" max="100" value=${share} aria-label="where one image ends and the other begins" onInput=${(/** @type {any} */ event) => setShare(Number(event.target.value))} /></div></div></details>`
}

/** @param {{run: string, name: string}} given */
function Text({ run, name }) {
  const found = useData(`text:${run}/${name}`, async (signal) => (await fetch(address(path('runs', run, 'artifacts', name)), { signal, headers: { Range: `bytes=0-${MOST_TEXT - 1}` } })).text())
  return html`<${Part} of=${found} what=${name} rows=${4}>${(/** @type {string} */ text) => html`<pre tabindex="0">${text}</pre>`}<//>`
}
