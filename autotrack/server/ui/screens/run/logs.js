// What the program printed; while it runs, what it prints.
import { useEffect, useRef, useState } from 'preact/hooks'
import { refresh, useJson } from '../../data.js'
import { counted } from '../../format.js'
import { html } from '../../html.js'
import { path } from '../../router.js'
import { Empty, Part } from '../../states.js'

const EVERY = 2000
const MOST = 20_000

/** @param {{run: any, of: number}} given `of`: how many runs the program made */
export function Logs({ run, of }) {
  const key = path('sessions', run.session, 'console')
  const found = useJson(key)
  const [follow, setFollow] = useState(run.status === 'RUNNING')
  const end = useRef(/** @type {HTMLElement | null} */ (null))
  useEffect(() => {
    if (run.status !== 'RUNNING') return
    const timer = setInterval(() => refresh((each) => each.startsWith(key)), EVERY)
    return () => clearInterval(timer)
  }, [run.status])
  useEffect(() => {
    if (follow) end.current?.scrollIntoView({ block: 'nearest' })
  }, [found.data, follow])
  return html`<${Part} of=${found} what="what was printed">${(/** @type {any} */ data) => {
    if (!data.console.length) return html`<${Empty} line="autotrack run train.py">Nothing was printed, or it was not kept. It is, with:<//>`
    const pieces = data.console.slice(-MOST)
    return html`<p><label><input type="checkbox" checked=${follow} onChange=${(/** @type {any} */ event) => setFollow(event.target.checked)} /> follow</label>${of > 1 && html` <span class="muted">what the program printed that made this run and ${counted(of - 1, 'other')}</span>`}</p>
      <pre tabindex="0" class="console">${pieces.map((/** @type {any} */ [at, stream, text]) => html`<span key=${at} class=${stream === 'stderr' || stream === 2 ? 'err' : ''}>${plain(String(text))}</span>`)}<i ref=${end}></i></pre>`
  }}<//>`
}

/** A text without what steers terminals; of a line that was written over, the last. @param {string} text */
export function plain(text) {
  // eslint-disable-next-line no-control-regex
  const shown = text.replace(/\u001b\[[0-9;?]*[A-Za-z]|\u001b\][^\u0007]*\u0007/g, '')
  return shown.replace(/[^\n]*\r(?!\n)/g, '')
}
