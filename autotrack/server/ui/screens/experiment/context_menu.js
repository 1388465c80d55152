// What a right click on a heading or a cell of the table offers.
import { useEffect, useRef } from 'preact/hooks'
import { heading, joined, shown } from '../../columns.js'
import { both, condition, isAsked } from '../../conditions.js'
import { html } from '../../html.js'
import { change, place } from '../../router.js'

/** @typedef {{x: number, y: number, key: string, row: import('../../rows.js').Row | null}} Place `row`: null in a heading */

/** @param {{at: Place, keys: string[], close: () => void}} given `keys`: those of the columns that are shown */
export function ContextMenu({ at, keys, close }) {
  const panel = useRef(/** @type {HTMLElement | null} */ (null))
  useEffect(() => {
    panel.current?.querySelector('button')?.focus()
    const leave = (/** @type {Event} */ event) => {
      if (event instanceof KeyboardEvent ? event.key !== 'Escape' : panel.current?.contains(/** @type {Node} */ (event.target))) return
      event.preventDefault()
      close()
    }
    const events = ['pointerdown', 'keydown', 'wheel']
    for (const name of events) document.addEventListener(name, leave, { passive: false })
    return () => events.forEach((name) => document.removeEventListener(name, leave))
  }, [])
  const { key, row } = at
  const where = place.value.query.get('where') ?? ''
  const ask = (/** @type {string} */ more) => change({ where: both(where, more), open: null })
  const value = row?.cells[key] ?? null
  const text = value === null ? 'none' : shown(key, value)
  /** @type {[string, () => void][]} */
  const choices = []
  if (isAsked(key) && row) choices.push([`Only ${heading(key)} = ${text}`, () => ask(condition(key, value))], [`Without ${heading(key)} = ${text}`, () => ask(condition(key, value, true))])
  if (isAsked(key) && !row && key.includes('.')) choices.push([`Only runs with ${heading(key)}`, () => ask(condition(key, null, true))])
  choices.push(['Sort upwards', () => change({ sort: joined([key]) })], ['Sort downwards', () => change({ sort: `-${joined([key])}` })])
  if (/^[pt]\./.test(key) || ['status', 'user'].includes(key)) choices.push([`Group by ${heading(key)}`, () => change({ group: key, open: null })])
  if (!['name', 'status'].includes(key)) choices.push(['Hide this column', () => change({ cols: joined(keys.filter((each) => each !== key)) })])
  const style = { left: `${Math.min(at.x, innerWidth - 260)}px`, top: `${Math.min(at.y, innerHeight - 40 - choices.length * 30)}px` }
  return html`<div class="context" role="menu" ref=${panel} style=${style}>
    ${choices.map(([name, act]) => html`<button key=${name} role="menuitem" title=${name} onClick=${() => { act(); close() }}>${name}</button>`)}
  </div>`
}
