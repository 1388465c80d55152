// The filter: what is typed, completed and accepted; only what the server has accepted goes into the address.
import { useEffect, useRef, useState } from 'preact/hooks'
import { get } from '../../api.js'
import { html } from '../../html.js'
import { completions, completed } from '../../query.js'
import { change, place } from '../../router.js'

const PAUSE = 250

/** @param {{rows: import('../../rows.js').Rows, where: string, exp: string}} given */
export function Filter({ rows, where, exp }) {
  const [text, setText] = useState(where)
  const [error, setError] = useState(/** @type {{message: string, position: number} | null} */ (null))
  const [offered, setOffered] = useState(/** @type {string[]} */ ([]))
  const [at, setAt] = useState(-1)
  const timer = useRef(0)
  const field = useRef(/** @type {HTMLInputElement | null} */ (null))
  const typing = useRef(false)
  useEffect(() => {
    if (!typing.current) setText(where)
    setError(null)
  }, [where])
  const accept = async (/** @type {string} */ given, /** @type {boolean} */ replace) => {
    try {
      if (given.trim()) await get('/table', { exp, where: given, limit: 1, cols: 'name' })
      setError(null)
      change({ where: given.trim() || null, open: null }, { replace })
    } catch (failure) {
      const { details, message, status } = /** @type {any} */ (failure)
      if (status === 400 || status === 422) setError({ message, position: details.position ?? given.length })
    }
  }
  const type = (/** @type {any} */ event) => {
    const given = event.target.value
    typing.current = true
    setText(given)
    setOffered(completions(given, event.target.selectionStart ?? given.length, rows.chosen ?? {}))
    setAt(-1)
    clearTimeout(timer.current)
    timer.current = window.setTimeout(() => accept(given, Boolean(place.value.query.get('where'))), PAUSE)
  }
  const take = (/** @type {string} */ name) => {
    const given = completed(text, field.current?.selectionStart ?? text.length, name)
    setText(given)
    setOffered([])
    field.current?.focus()
  }
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'ArrowDown' && offered.length) setAt((at + 1) % offered.length)
    else if (event.key === 'ArrowUp' && offered.length) setAt((at - 1 + offered.length) % offered.length)
    else if ((event.key === 'Enter' || event.key === 'Tab') && at >= 0) take(offered[at])
    else if (event.key === 'Enter') {
      clearTimeout(timer.current)
      void accept(text, false)
      setOffered([])
      field.current?.blur()
      return
    } else if (event.key === 'Escape') {
      setOffered([])
      field.current?.blur()
      return
    } else return
    event.preventDefault()
  }
  const mistaken = error ?? (rows.now.failure?.status === 400 ? { message: rows.failure.message, position: rows.failure.details.position ?? 0 } : null)
  return html`<div class=${mistaken ? 'filter wrong' : 'filter'}>
    <input ref=${field} data-search type="search" spellcheck=${false} autocomplete="off" aria-label="filter runs" aria-invalid=${Boolean(mistaken)} placeholder=${example(rows)}
      value=${text} onInput=${type} onKeyDown=${press} onBlur=${() => { typing.current = false; setTimeout(() => setOffered([]), 150) }} />
    ${mistaken && html`<p class="mistake" role="alert"><code>${' '.repeat(Math.min(mistaken.position, 200))}^</code> ${mistaken.message}</p>`}
    ${!mistaken && rows.unknown.length > 0 && html`<p class="mistake note">no run has ${rows.unknown.map((/** @type {any} */ each) => `“${each.name}”${each.similar?.length ? ` (${each.similar[0]}?)` : ''}`).join(', ')}</p>`}
    ${offered.length > 0 && html`<ul class="offered" role="listbox">${offered.map((name, index) => html`<li key=${name} role="option" aria-selected=${index === at} onMouseDown=${(/** @type {Event} */ event) => { event.preventDefault(); take(name) }}>${name}</li>`)}</ul>`}
  </div>`
}

/** @param {import('../../rows.js').Rows} rows */
function example(rows) {
  const { main, cols = [] } = rows.chosen ?? {}
  const param = cols.find((/** @type {string} */ key) => key.startsWith('p.'))
  const metric = main ? main.slice(2) : 'val_loss'
  return `${/^[\w.]+$/.test(metric) ? metric : `m.\`${metric}\``} < 0.3${param && /^p\.\w+$/.test(param) ? ` and ${param.slice(2)} = "..."` : ''}`
}
