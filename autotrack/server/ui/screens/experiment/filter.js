// The filter: what is typed, completed and accepted; only what the server has accepted goes into the address.
import { useEffect, useRef, useState } from 'preact/hooks'
import { get } from '../../api.js'
import { html } from '../../html.js'
import { completions, completed, values } from '../../query.js'
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
  const pushed = useRef(false) // of what is typed at one go, the Back button knows the last
  const latest = useRef(0)
  useEffect(() => {
    if (!typing.current) setText(where)
    setError(null)
  }, [where])
  const accept = async (/** @type {string} */ given) => {
    const turn = (latest.current += 1)
    try {
      if (given.trim()) await get('/table', { exp, where: given, limit: 1, cols: 'name' })
      if (turn !== latest.current) return
      setError(null)
      if (given.trim() === (place.value.query.get('where') ?? '')) return
      change({ where: given.trim() || null, open: null }, { replace: pushed.current })
      pushed.current = typing.current
    } catch (failure) {
      if (turn !== latest.current) return
      const { details, message, status } = /** @type {any} */ (failure)
      if (status === 400 || status === 422) setError({ message: message.split('\n')[0], position: details.position ?? given.length })
    }
  }
  const offer = (/** @type {string} */ given, /** @type {number} */ caret) => {
    const names = completions(given, caret, rows.chosen ?? {})
    setOffered(names.length ? names : values(given, caret, (key) => seen(rows, key)))
  }
  const type = (/** @type {any} */ event) => {
    const given = event.target.value
    typing.current = true
    setText(given)
    offer(given, event.target.selectionStart ?? given.length)
    setAt(-1)
    clearTimeout(timer.current)
    timer.current = window.setTimeout(() => accept(given), PAUSE)
  }
  const take = (/** @type {string} */ name) => {
    const given = completed(text, field.current?.selectionStart ?? text.length, name)
    setText(given)
    setOffered([])
    setAt(-1)
    field.current?.focus()
    clearTimeout(timer.current)
    timer.current = window.setTimeout(() => accept(given), PAUSE)
  }
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'ArrowDown' && offered.length) setAt((at + 1) % offered.length)
    else if (event.key === 'ArrowUp' && offered.length) setAt((at - 1 + offered.length) % offered.length)
    else if ((event.key === 'Enter' || event.key === 'Tab') && at >= 0) take(offered[at])
    else if (event.key === 'Enter') {
      clearTimeout(timer.current)
      void accept(text)
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
  const mistaken = error ?? (rows.now.failure?.status === 400 ? { message: rows.failure.message.split('\n')[0], position: rows.failure.details.position ?? 0 } : null)
  return html`<div class=${mistaken ? 'filter wrong' : 'filter'}>
    <input ref=${field} data-search type="search" spellcheck=${false} autocomplete="off" aria-label="filter runs" aria-invalid=${Boolean(mistaken)} placeholder=${example(rows)}
      value=${text} onInput=${type} onKeyDown=${press} onBlur=${() => { typing.current = pushed.current = false; setTimeout(() => setOffered([]), 150) }} />
    ${mistaken && !offered.length && html`<p class="mistake" role="alert"><code>${' '.repeat(Math.min(mistaken.position, 200))}^</code> ${mistaken.message}</p>`}
    ${!mistaken && rows.unknown.length > 0 && html`<p class="mistake note">no run has ${rows.unknown.map((/** @type {any} */ each) => `“${each.name}”${each.similar?.length ? ` (${each.similar[0]}?)` : ''}`).join(', ')}</p>`}
    ${offered.length > 0 && html`<ul class="offered" role="listbox">${offered.map((name, index) => html`<li key=${name} role="option" aria-selected=${index === at} onMouseDown=${(/** @type {Event} */ event) => { event.preventDefault(); take(name) }}>${name}</li>`)}</ul>`}
  </div>`
}

/** Values that a name in a filter has had, among the rows that are here. @param {import('../../rows.js').Rows} rows @param {string} key */
function seen(rows, key) {
  if (key === 'status') return ['CRASHED', 'FAILED', 'FINISHED', 'KILLED', 'RUNNING']
  return [key, `p.${key}`, `t.${key}`].map((each) => rows.values(each)).find((found) => found.length) ?? []
}

/** @param {import('../../rows.js').Rows} rows */
function example(rows) {
  const { main, cols = [] } = rows.chosen ?? {}
  const param = cols.find((/** @type {string} */ key) => key.startsWith('p.'))
  const metric = main ? main.slice(2) : 'val_loss'
  return `${/^[\w.]+$/.test(metric) ? metric : `m.\`${metric}\``} < 0.3${param && /^p\.\w+$/.test(param) ? ` and ${param.slice(2)} = "..."` : ''}`
}
