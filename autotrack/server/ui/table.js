// A table of any number of rows: only those in view are in the document, and rows that leave lend their elements to rows
// that come.
import { Component } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { html } from './html.js'

export const ROW = 28
const MARGIN = 5

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {any} head what stands in the heading
 * @property {number} width in pixels
 * @property {string} [title]
 * @property {boolean} [number] stands to the right
 * @property {'ascending' | 'descending' | 'none'} [sort]
 * @property {(event: MouseEvent | KeyboardEvent) => void} [onSort]
 */

/**
 * @param {object} given
 * @param {string} given.label what the table is of
 * @param {Column[]} given.columns the first two stay in view
 * @param {number} given.length rows in all
 * @param {any} given.version whatever changes when rows have changed
 * @param {(index: number) => any} given.at a row's data, compared by identity; null while it is on its way
 * @param {(row: any, key: string, index: number) => any} given.cell a cell: text, a node, or `{text, title, kind, share}`
 * @param {(row: any, index: number) => string} [given.kind] classes of a row
 * @param {(row: any, index: number, event: MouseEvent) => void} [given.onPick]
 * @param {(row: any) => void} [given.onOver] the pointer is at a row; null: at none
 * @param {number} given.active index of the row that the keys are at
 * @param {any} [given.look] whatever changes how rows look besides their data
 * @param {(from: number, to: number) => void} [given.onView]
 * @param {(row: any, key: string, event: MouseEvent) => void} [given.onMenu] a right click, or the key for it; `row` is null in a heading
 */
export function Table({ label, columns, length, version, at, cell, kind, onPick, onOver, active, look, onView, onMenu }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  const [view, setView] = useState({ first: 0, count: 40 })
  const measure = () => {
    const element = box.current
    if (!element) return
    const first = Math.max(0, Math.floor(element.scrollTop / ROW) - MARGIN)
    const count = Math.ceil((element.clientHeight - ROW) / ROW) + 2 * MARGIN
    setView((now) => (now.first === first && now.count === count ? now : { first, count }))
  }
  useLayoutEffect(measure, [length])
  useEffect(() => {
    const observer = new ResizeObserver(measure)
    if (box.current) observer.observe(box.current)
    return () => observer.disconnect()
  }, [])
  useEffect(() => {
    const element = box.current
    if (!element || active < 0) return
    const top = active * ROW
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + 2 * ROW > element.scrollTop + element.clientHeight) element.scrollTop = top + 2 * ROW - element.clientHeight
    const focused = document.activeElement
    const cell = element.querySelector('.row.active [tabindex="0"]')
    if (focused?.getAttribute('role') === 'gridcell' && element.contains(focused) && cell instanceof HTMLElement) cell.focus({ preventScroll: true })
  }, [active])
  const menu = (/** @type {MouseEvent} */ event) => {
    const cell = /** @type {Element} */ (event.target).closest('.row > span')
    const line = cell?.parentElement
    const column = columns[line ? [...line.children].indexOf(/** @type {Element} */ (cell)) : -1]
    if (!line || !column?.key.trim()) return
    const row = line.classList.contains('head') ? null : at(Number(line.getAttribute('aria-rowindex')) - 2)
    event.preventDefault()
    onMenu?.(row, column.key, event)
  }
  const last = Math.min(length, view.first + view.count)
  useEffect(() => onView?.(view.first, last))
  const slots = []
  for (let index = view.first; index < last; index += 1) {
    const row = at(index)
    slots.push(
      html`<${Row}
        key=${index % view.count} index=${index} row=${row} columns=${columns} cell=${cell} look=${look}
        kind=${`${row ? (kind?.(row, index) ?? '') : 'waiting'}${index === active ? ' active' : ''}`} active=${index === active} pick=${onPick} over=${onOver}
      />`,
    )
  }
  const wide = columns.reduce((sum, column) => sum + column.width, 0)
  return html`<div class="grid" ref=${box} role="grid" aria-label=${label} aria-rowcount=${length + 1} aria-colcount=${columns.length} aria-multiselectable="true"
    onScroll=${measure} onContextMenu=${onMenu && menu} onMouseLeave=${() => onOver?.(null)} data-version=${version}>
    <div class="sheet" style=${{ height: `${(length + 1) * ROW}px`, width: `max(100%, ${wide}px)` }}>
      <div class="row head" role="row" aria-rowindex="1">${columns.map((column, index) => html`<${Heading} key=${column.key} column=${column} fixed=${fixed(columns, index)} />`)}</div>
      ${slots}
    </div>
  </div>`
}

/** Where one of the first two columns stands still. @param {Column[]} columns @param {number} index */
function fixed(columns, index) {
  return index > 1 ? undefined : index ? `${columns[0].width}px` : '0'
}

/** @param {{column: Column, fixed: string | undefined}} given */
function Heading({ column, fixed: left }) {
  const { head, width, sort = 'none', onSort, number, title } = column
  const style = { width: `${width}px`, left }
  const kind = `${number ? 'number ' : ''}${left === undefined ? '' : 'fixed'}`
  if (!onSort) return html`<span class=${kind} style=${style} role="columnheader" title=${title}>${head}</span>`
  const sign = { ascending: '▲', descending: '▼', none: '' }[sort]
  return html`<span class=${kind} style=${style} role="columnheader" aria-sort=${sort} title=${title}>
    <button class="heading" onClick=${onSort}>${head}${sign && html`<i aria-hidden="true">${sign}</i>`}</button>
  </span>`
}

/** One row; drawn again only when something of it has changed. */
class Row extends Component {
  /** @param {any} next */
  shouldComponentUpdate(next) {
    const now = /** @type {any} */ (this.props)
    return now.row !== next.row || now.index !== next.index || now.kind !== next.kind || now.columns !== next.columns || now.look !== next.look
  }

  /** @param {any} given */
  render({ index, row, columns, cell, kind, active, pick, over }) {
    return html`<div class=${`row ${kind}`} role="row" aria-rowindex=${index + 2} aria-selected=${kind.includes('picked')} style=${{ transform: `translateY(${(index + 1) * ROW}px)` }}
      data-id=${row?.id} onClick=${row && pick ? (/** @type {MouseEvent} */ event) => pick(row, index, event) : undefined} onMouseEnter=${row && over ? () => over(row) : undefined}>
      ${columns.map((/** @type {Column} */ column, /** @type {number} */ place) => html`<${Cell} key=${column.key} of=${row ? cell(row, column.key, index) : ''} column=${column} left=${fixed(columns, place)} focus=${active && place === 1} />`)}
    </div>`
  }
}

/** @param {any} given */
function Cell({ of, column, left, focus }) {
  const data = of !== null && typeof of === 'object' && 'text' in of ? of : { text: of }
  const kind = `${data.number || column.number ? 'number ' : ''}${left === undefined ? '' : 'fixed '}${data.kind ?? ''}`
  return html`<span class=${kind} role="gridcell" style=${{ width: `${column.width}px`, left }} title=${data.title} tabIndex=${focus ? 0 : undefined}>
    ${data.share !== undefined && html`<u style=${{ width: `${Math.round(data.share * 100)}%` }}></u>`}${data.text}
  </span>`
}
