// What a file looks like: pictures, text, tables, pages that run shut off.
import { useEffect, useState } from 'preact/hooks'
import { address } from '../../api.js'
import { useJson } from '../../data.js'
import { size } from '../../format.js'
import { html } from '../../html.js'
import { Markdown } from '../../markdown.js'
import { alone, navigate, path } from '../../router.js'
import { Failed, Loading, Part } from '../../states.js'
import { Json, Lines, Sheet } from './text_viewers.js'
import { Cells } from './cells.js'
import { MOST, separated, tabled } from './separated.js'

/** How much of a text is read at once (bytes). */
const PART = 256 * 1024

/** @type {Record<string, string>} */
const PICTURES = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', svg: 'image/svg+xml', bmp: 'image/bmp', avif: 'image/avif' }
/** @type {Record<string, string>} */
const SOUNDS = { wav: 'audio/wav', mp3: 'audio/mpeg', ogg: 'audio/ogg', flac: 'audio/flac' }
/** @type {Record<string, string>} */
const FILMS = { mp4: 'video/mp4', webm: 'video/webm' }
const TEXTS = new Set('txt log py json jsonl csv tsv yaml yml toml ini cfg md rst sh sql xml html htm js ts css r scala java c cc cpp h rs go patch diff env lock mlmodel ipynb tex'.split(' '))

/** @param {{run: string, file: string, bytes: number, siblings: string[]}} given */
export function Viewer({ run, file, bytes, siblings }) {
  const name = file.split('/').at(-1)?.toLowerCase() ?? ''
  const ending = name.includes('.') ? (name.split('.').at(-1) ?? '') : name
  const raw = address(path('runs', run, 'artifacts', file))
  if (ending in PICTURES) return html`<${Picture} url=${raw} media=${PICTURES[ending]} file=${file} run=${run} siblings=${siblings.filter((each) => (each.split('.').at(-1) ?? '').toLowerCase() in PICTURES)} />`
  if (ending in SOUNDS) return html`<${Loaded} url=${raw} media=${SOUNDS[ending]}>${(/** @type {string} */ url) => html`<audio controls src=${url}></audio>`}<//>`
  if (ending in FILMS) return html`<${Loaded} url=${raw} media=${FILMS[ending]}>${(/** @type {string} */ url) => html`<video controls src=${url}></video>`}<//>`
  if (ending === 'html' || ending === 'htm') return html`<${Framed} url=${`${raw}?view=page`} />`
  if (ending === 'pdf') return html`<${Loaded} url=${raw} media="application/pdf">${(/** @type {string} */ url) => html`<iframe class="framed" src=${url} title=${file}></iframe>`}<//>`
  if (ending === 'parquet') return html`<${Rows} run=${run} file=${file} />`
  if (TEXTS.has(ending) || bytes < 4096) return html`<${Text} url=${raw} ending=${ending} bytes=${bytes} />`
  return html`<p class="muted">${size(bytes)} of another kind (${ending || 'no ending'}): download it to look at it.</p>`
}

/** A blob's address while the component is there. @param {{url: string, media: string, children: (url: string) => any}} given */
function Loaded({ url, media, children }) {
  const [state, setState] = useState(/** @type {{blob?: string, error?: any}} */ ({}))
  useEffect(() => {
    let made = ''
    const control = new AbortController()
    fetch(url, { signal: control.signal })
      .then(async (answer) => {
        if (!answer.ok) throw await refusal(answer)
        made = URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type: media }))
        setState({ blob: made })
      })
      .catch((error) => error.name !== 'AbortError' && setState({ error }))
    return () => {
      control.abort()
      if (made) URL.revokeObjectURL(made)
    }
  }, [url])
  if (state.error) return html`<${Failed} what="the file" error=${state.error} retry=${() => location.reload()} />`
  return state.blob ? children(state.blob) : html`<${Loading} rows=${6} />`
}

/** Why a file is not to be had. @param {Response} answer */
const refusal = async (answer) => new Error((await answer.json().catch(() => ({}))).message ?? `the server answered ${answer.status}`)

/** A table that the server reads. @param {{run: string, file: string}} given */
function Rows({ run, file }) {
  const found = useJson(path('runs', run, 'rows'), { path: file })
  return html`<${Part} of=${found} what="the table">${(/** @type {any} */ data) => html`<${Sheet} rows=${[data.columns, ...data.rows]} total=${data.total} /><p class="muted mono">${data.types.join(', ')}</p>`}<//>`
}

/** @param {{url: string, media: string, file: string, run: string, siblings: string[]}} given */
function Picture({ url, media, file, run, siblings }) {
  const [fit, setFit] = useState(true)
  const at = siblings.indexOf(file)
  const go = (/** @type {number} */ by) => {
    const next = siblings[at + by]
    if (next) navigate(path('r', run.slice(0, 12), 'artifacts', next), { replace: true })
  }
  return html`<div class="picture" tabIndex=${0} onKeyDown=${(/** @type {KeyboardEvent} */ event) => { if (event.key === 'ArrowRight') go(1); if (event.key === 'ArrowLeft') go(-1) }}>
    <p><button aria-pressed=${fit} onClick=${() => setFit(!fit)}>${fit ? '100 %' : 'Fit'}</button>
      ${siblings.length > 1 && html` <button disabled=${at <= 0} onClick=${() => go(-1)}>←</button> <input type="range" min="0" max=${siblings.length - 1} value=${at} aria-label="picture" onChange=${(/** @type {any} */ event) => go(Number(event.target.value) - at)} /> <button disabled=${at >= siblings.length - 1} onClick=${() => go(1)}>→</button> <span class="muted">${at + 1} of ${siblings.length}</span>`}</p>
    <${Loaded} url=${url} media=${media}>${(/** @type {string} */ blob) => html`<img class=${fit ? 'fit' : ''} src=${blob} alt=${file} />`}<//>
  </div>`
}

/** @param {{url: string}} given */
export function Framed({ url }) {
  if (alone) return html`<${Still} url=${url} />`
  return html`<p class="muted">Scripts of this page run shut off: they see nothing of autotrack's and reach no server. <a href=${url} target="_blank" rel="noreferrer noopener">Open in a tab of its own</a> (as shut off)</p>
    <iframe class="framed" sandbox="allow-scripts" referrerpolicy="no-referrer" src=${url} title="logged page"></iframe>`
}

/** A page in a report, which has no server that could shut its scripts off. @param {{url: string}} given */
function Still({ url }) {
  const [text, setText] = useState(/** @type {string | null} */ (null))
  const [error, setError] = useState(/** @type {any} */ (null))
  useEffect(() => {
    fetch(url).then(async (answer) => {
      if (!answer.ok) throw await refusal(answer)
      setText(await answer.text())
    }).catch(setError)
  }, [url])
  if (error) return html`<${Failed} what="the page" error=${error} retry=${() => location.reload()} />`
  return html`<p class="muted">Scripts of this page do not run in a report. Download it to have them.</p>${text !== null && html`<iframe class="framed" sandbox="" srcdoc=${text} title="logged page"></iframe>`}`
}

/** @param {{url: string, ending: string, bytes: number}} given */
function Text({ url, ending, bytes }) {
  const [text, setText] = useState(/** @type {string | null} */ (null))
  const [until, setUntil] = useState(PART)
  const [error, setError] = useState(/** @type {any} */ (null))
  const [source, setSource] = useState(false)
  useEffect(() => {
    let here = true
    const headers = bytes > until ? { Range: `bytes=0-${until - 1}` } : undefined
    fetch(url, { headers })
      .then(async (answer) => {
        if (!answer.ok) throw await refusal(answer)
        const found = await answer.text()
        if (here) setText(found)
      })
      .catch((failure) => here && setError(failure))
    return () => void (here = false)
  }, [url, until])
  if (error) return html`<${Failed} what="the file" error=${error} retry=${() => location.reload()} />`
  if (text === null) return html`<${Loading} rows=${12} />`
  const whole = bytes <= until
  const more = !whole && html`<p><button onClick=${() => setUntil(until + PART)}>Load the next ${size(PART)} of ${size(bytes)}</button></p>`
  const shown = source ? null : drawn(ending, text, whole)
  const other = ['md', 'csv', 'tsv', 'json', 'jsonl', 'ipynb'].includes(ending)
  return html`${other && html`<p><button aria-pressed=${source} onClick=${() => setSource(!source)}>${source ? 'As it is meant' : 'Source'}</button></p>`}
    ${shown ?? html`<${Lines} text=${text} />`}${more}`
}

/** A text as what it says; null where it is shown as it is. @param {string} ending @param {string} text @param {boolean} whole */
function drawn(ending, text, whole) {
  if (ending === 'md') return html`<${Markdown} text=${text} />`
  if (ending === 'csv' || ending === 'tsv') return html`<${Sheet} rows=${separated(text, ending === 'csv' ? ',' : '\t', whole)} />`
  if (ending === 'jsonl' || (whole && (ending === 'json' || ending === 'ipynb'))) {
    try {
      const value = ending === 'jsonl' ? lines(text, whole) : JSON.parse(text)
      if (ending === 'ipynb' && Array.isArray(value.cells)) return html`<${Cells} of=${value} />`
      const rows = tabled(value)
      return rows ? html`<${Sheet} rows=${rows} />` : html`<${Json} of=${value} />`
    } catch {
      return null
    }
  }
  return null
}

/** JSON, a value a line; of a text that is not whole, the last is left out. @param {string} text @param {boolean} whole */
const lines = (text, whole) =>
  text.split('\n').slice(0, whole ? undefined : -1).filter((line) => line.trim()).slice(0, MOST + 1).map((line) => JSON.parse(line))
