// The table of runs: columns, cells, selection, keys.
import { useState } from 'preact/hooks'
import { heading, isMetric, isNumber, shown, sortedBy, sorting, split, whole, width } from '../../columns.js'
import { toClipboard } from '../../copy.js'
import { html } from '../../html.js'
import { useKeys } from '../../keys.js'
import { lazy } from '../../lazy.js'
import { notify } from '../../notice.js'
import { look } from '../../palette.js'
import { change, link, navigate, path, place } from '../../router.js'
import { hovered, isSelected, positions, selection, toggle } from '../../selection.js'
import { Status } from '../../status.js'
import { Table } from '../../table.js'

const ContextMenu = lazy(() => import('./context_menu.js'), 'ContextMenu')

/** @typedef {import('../../rows.js').Rows} Rows */

/** @param {{rows: Rows, exp: string, sort: string}} given */
export function RunTable({ rows, exp, sort }) {
  const [active, setActive] = useState(0)
  const [anchor, setAnchor] = useState(0)
  const [menu, setMenu] = useState(/** @type {import('./context_menu.js').Place | null} */ (null))
  const chosen = rows.now.chosen ?? {}
  const order = sorting(sort)
  const keys = ['', 'name', 'status', ...columnsOf(rows)]
  const goals = chosen.goals ?? {}
  const best = bestOf(rows, order)
  const main = chosen.main
  const extent = main ? rows.extent(main) : null
  const numeric = keys.map((key) => isMetric(key) || isNumber(key, some(rows, key)))
  const signature = keys.join('\n') + sort + numeric
  const columns = remembered(signature, () =>
    keys.map((key, place) => {
      if (!key) return { key: ' ', head: '', width: 32 }
      const at = order.find((each) => each.key === key)
      const goal = isMetric(key) ? (key === main ? chosen.goal : goals[key]) : null
      return {
        key, head: key === 'status' ? html`<span class="unseen">status</span>` : heading(key), width: width(key), title: key, number: numeric[place],
        sort: /** @type {'ascending' | 'descending' | 'none'} */ (at ? (at.down ? 'descending' : 'ascending') : 'none'),
        onSort: (/** @type {any} */ event) => change({ sort: sortedBy(sort, key, { further: event.shiftKey, best: goal }) }),
      }
    }),
  )
  const pick = (/** @type {any} */ row, /** @type {number} */ index, /** @type {MouseEvent} */ event) => {
    const target = /** @type {Element} */ (event.target)
    if (target.closest('a, .fold')) return
    setActive(index)
    if (event.shiftKey) toggle(rows.ids(Math.min(anchor, index), Math.max(anchor, index) + 1), true)
    else if (target.closest('.tick') || event.ctrlKey || event.metaKey) toggle([row.id])
    if (!event.shiftKey) setAnchor(index)
  }
  const move = (/** @type {number} */ by) => setActive((now) => Math.min(rows.length - 1, Math.max(0, now + by)))
  const here = () => rows.at(active)
  useKeys([
    { keys: 'j', does: 'next row', run: () => move(1) },
    { keys: 'k', does: 'previous row', run: () => move(-1) },
    { keys: 'ArrowDown', does: 'next row', run: () => move(1) },
    { keys: 'ArrowUp', does: 'previous row', run: () => move(-1) },
    { keys: 'PageDown', does: 'a page down', run: () => move(20) },
    { keys: 'PageUp', does: 'a page up', run: () => move(-20) },
    { keys: 'Home', does: 'first row', run: () => setActive(0) },
    { keys: 'End', does: 'last row', run: () => setActive(rows.length - 1) },
    { keys: 'x', does: 'select the row', run: () => { const row = here(); if (row) toggle([row.id]); setAnchor(active) } },
    { keys: 'Shift+x', does: 'select as far as this row', run: () => toggle(rows.ids(Math.min(anchor, active), Math.max(anchor, active) + 1), true) },
    { keys: 'Enter', does: 'open the run', run: () => { const row = here(); if (row) navigate(path('r', row.id.slice(0, 12))) } },
    { keys: 's', does: 'sort by the main metric', run: () => main && change({ sort: sortedBy(sort, main, { further: false, best: chosen.goal }) }) },
    { keys: '.', does: 'copy a link to this view', run: () => void toClipboard(location.href).then(() => notify('A link to this view is on the clipboard')) },
  ])
  const cell = (/** @type {any} */ row, /** @type {string} */ key, /** @type {number} */ index) => {
    if (key === ' ') return html`<${Tick} id=${row.id} />`
    const value = row.cells[key]
    if (key === 'status') return html`<${Status} of=${value} />`
    if (key === 'name') return html`<${Name} row=${row} />`
    const share = key === main && extent && typeof value === 'number' && extent.high > extent.low ? (value - extent.low) / (extent.high - extent.low) : undefined
    const top = index === best.index && key === best.key
    return { text: shown(key, value), title: whole(key, value), number: isNumber(key, value), share, kind: top ? 'best' : value === null || value === undefined ? 'muted' : '' }
  }
  return html`<${Table} label=${`runs of ${exp}`} columns=${columns} length=${rows.length} version=${rows.version.value} at=${(/** @type {number} */ index) => rows.at(index)}
    cell=${cell} active=${active} onPick=${pick} onOver=${(/** @type {any} */ row) => (hovered.value = row?.id ?? '')}
    kind=${(/** @type {any} */ row) => `${isSelected(row.id) ? 'picked' : ''}${hovered.value === row.id ? ' pointed' : ''}`} look=${`${signature}${best.index}${extent?.low}${extent?.high}${selection.value.ids.length}`}
    onMenu=${(/** @type {any} */ row, /** @type {string} */ key, /** @type {MouseEvent} */ event) => setMenu({ x: event.clientX, y: event.clientY, key, row })}
    onView=${(/** @type {number} */ from, /** @type {number} */ to) => (rows.view = { from, to })} />
    ${menu && html`<${ContextMenu} at=${menu} keys=${keys.filter(Boolean)} close=${() => setMenu(null)} />`}`
}

/** A value of a column, from the first rows that are here. @param {Rows} rows @param {string} key */
function some(rows, key) {
  const window = [...rows.windows.values()].find(Boolean)
  return window?.cols[key]?.find((/** @type {any} */ value) => value !== null) ?? null
}

/** The columns in force, besides name and status. @param {Rows} rows */
export function columnsOf(rows) {
  const given = place.value.query.get('cols')
  const window = [...rows.windows.values()].find(Boolean)
  const keys = window ? Object.keys(window.cols) : []
  const unasked = given ? ['start', 'end'].filter((key) => !split(given).includes(key)) : ['end']
  return keys.filter((key) => !['name', 'status', ...unasked].includes(key))
}

/** Where the best value stands, if the order says so. @param {Rows} rows @param {{key: string, down: boolean}[]} order */
function bestOf(rows, order) {
  const { main, goal } = rows.chosen ?? {}
  if (!main || !goal) return { index: -1, key: '' }
  if (order[0]?.key === main) return { index: order[0].down === (goal === 'max') ? 0 : -1, key: main }
  return { index: rows.best(main, goal), key: main }
}

/** @param {{id: string}} given */
function Tick({ id }) {
  const at = positions.value.get(id)
  const is = isSelected(id)
  const colour = at === undefined ? undefined : look(at).colour
  return html`<span class="tick"><input type="checkbox" tabIndex=${-1} aria-label="select" checked=${is} style=${{ accentColor: colour }} onChange=${() => undefined} /></span>`
}

/** @param {{row: import('../../rows.js').Row}} given */
function Name({ row }) {
  const children = row.cells.children
  const open = (place.value.query.get('open') ?? '').split(',').filter(Boolean)
  const is = open.includes(row.id)
  const turn = () => change({ open: (is ? open.filter((id) => id !== row.id) : [...open, row.id]).join(',') })
  return html`<span class="name" style=${{ paddingLeft: `${row.depth * 18}px` }}>
    ${children > 0 ? html`<button class="fold quiet" aria-expanded=${is} aria-label=${`${children} children`} onClick=${turn}>${is ? '▾' : '▸'}</button>` : html`<i class="fold"></i>`}
    <a href=${link(path('r', row.id.slice(0, 12)))} title=${row.cells.name}>${row.cells.name || row.id.slice(0, 8)}</a>
    ${children > 0 && html`<span class="muted"> ${children}</span>`}
  </span>`
}

/** @type {{signature: string, value: any}} */
let last = { signature: '', value: null }

/** The same columns as long as nothing of them has changed, so that rows need not be drawn again. @template T @param {string} signature @param {() => T} make @returns {T} */
function remembered(signature, make) {
  if (last.signature !== signature) last = { signature, value: make() }
  return last.value
}
