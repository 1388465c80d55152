// The card of one metric: its curves, what they cannot show in words, its numbers, its files.
import { useRef, useState } from 'preact/hooks'
import { curves } from '../../curves.js'
import { save } from '../../export.js'
import { counted, NOTHING, number } from '../../format.js'
import { html } from '../../html.js'
import { lazy } from '../../lazy.js'
import { isBanded, tabled } from '../../lines.js'
import { Menu } from '../../menu.js'
import { attempt } from '../../notice.js'
import { change, path } from '../../router.js'
import { Failed } from '../../states.js'
import { placed } from '../../tip.js'
import { useLines } from './lines_of.js'
import { useNear } from './near.js'

const HEIGHT = 208
/** Fetched with the first curve: metrics of one value a run are bars, and need none of it. */
const Chart = lazy(() => import('../../chart.js'), 'Chart', html`<div style=${{ height: `${HEIGHT}px` }}></div>`)
const ROWS = 200

/**
 * @typedef {{id: string, name: string, look: import('../../chart.js').Look, group?: string}} Drawn `group`: drawn together with others
 * @param {{metric: string, runs: Drawn[], manner: import('./toolbar.js').Manner, hovered: string, onHover: (run: string) => void, next: () => string[]}} given
 * `next`: the metrics whose cards come next
 */
export function Card({ metric, runs, manner, hovered, onHover, next }) {
  const root = useRef(/** @type {HTMLElement | null} */ (null))
  const handle = useRef(/** @type {any} */ (null))
  const [table, setTable] = useState(false)
  const [large, setLarge] = useState(false)
  const near = useNear(root)
  const width = () => (root.current?.clientWidth ?? 400) - 110
  const { lines, x, error, retry } = useLines({ metric, runs, manner, near, width, next })
  const axes = x === manner.x ? manner : { ...manner, x, from: undefined, to: undefined }
  const height = large ? HEIGHT * 2 : HEIGHT
  const zoom = (/** @type {number} */ a, /** @type {number} */ b) => change({ zoom: x === 'step' ? `${Math.floor(a)}..${Math.max(Math.floor(a) + 1, Math.ceil(b))}` : `${+a.toFixed(3)}..${+b.toFixed(3)}` })
  const name = metric.replaceAll('/', '_')
  const csv = async () => {
    const { asCsv } = await import('./files.js')
    const names = new Map(runs.map((run) => [run.id, run.name]))
    const found = await curves(runs.map((run) => run.id), metric, { x, px: 0, from: axes.from, to: axes.to })
    save(`${name}.csv`, asCsv(found.map((line) => ({ ...line, name: names.get(line.run) ?? line.run })), x), 'text/csv')
  }
  const png = async () => save(`${name}.png`, await (await import('./files.js')).asPng(handle.current.ctx.canvas, lines ?? [], metric))
  const svg = async () => save(`${name}.svg`, (await import('./files.js')).asSvg(lines ?? [], metric, axes), 'image/svg+xml')
  const body = (/** @type {import('../../chart.js').Line[]} */ of) => {
    if (!of.length) return html`<p class="muted none" style=${{ height: `${HEIGHT}px` }}>${manner.from === undefined ? 'none of these runs has points of it' : 'no points in this part'}</p>`
    if (table) return html`<${Numbers} lines=${of} x=${x} height=${height} />`
    if (of.every((line) => line.x.length === 1 && (line.total <= 1 || isBanded(line)))) return html`<${Bars} lines=${of} hovered=${hovered} onHover=${onHover} grouped=${runs.some((run) => run.group !== undefined)} />`
    return html`<${Chart} lines=${of} label=${metric} height=${height} axes=${axes} hovered=${hovered} onHover=${onHover} onZoom=${zoom} onReset=${() => change({ zoom: null })} handle=${handle} />`
  }
  return html`<article class=${large ? 'card chart-card large' : 'card chart-card'} ref=${root} data-metric=${metric}>
    <header><h3>${metric}</h3>${(near || lines !== null) && html`
      <button class="quiet" title="Larger or smaller" aria-label=${`${metric}: larger or smaller`} aria-pressed=${large} onClick=${() => setLarge(!large)}>⤢</button>
      <${Menu} label="⋯" title=${`${metric}: table, files`} align="right">${(/** @type {() => void} */ close) => html`<div class="choices" onClick=${close}>
        <button onClick=${() => setTable(!table)}>${table ? 'Show as chart' : 'Show as table'}</button>
        <button disabled=${table || !handle.current} onClick=${() => void attempt(png, `${name}.png is saved`)}>PNG</button>
        <button onClick=${() => void attempt(svg, `${name}.svg is saved`)}>SVG</button>
        <button onClick=${() => void attempt(csv, `${name}.csv has all points`)}>CSV, all points</button>
      </div>`}<//>`}
    </header>
    ${error && html`<${Failed} what=${metric} error=${error} retry=${retry} stale=${lines !== null} />`}
    ${lines === null || !near ? html`<div style=${{ height: `${height}px` }}></div>` : body(lines)}
    ${lines && html`<${Remarks} lines=${lines} log=${manner.y === 'log'} />`}
  </article>`
}

/** What a chart cannot show, in words. @param {{lines: import('../../chart.js').Line[], log: boolean}} given */
function Remarks({ lines, log }) {
  const sum = (/** @type {(line: import('../../chart.js').Line) => number} */ of) => lines.reduce((total, line) => total + of(line), 0)
  const said = [
    log && sum((line) => line.nonPositive) > 0 && `${counted(sum((line) => line.nonPositive), 'point')} of 0 or less left out`,
    sum((line) => line.nan) > 0 && `${number(sum((line) => line.nan))} NaN`,
    sum((line) => line.inf + line.ninf) > 0 && `${number(sum((line) => line.inf + line.ninf))} infinite`,
  ].filter(Boolean)
  return said.length > 0 && html`<p class="remark">${said.join(', ')}</p>`
}

/** Metrics of one value a run: beside each other as bars. @param {{lines: import('../../chart.js').Line[], hovered: string, onHover: (run: string) => void, grouped: boolean}} given */
function Bars({ lines, hovered, onHover, grouped }) {
  const values = lines.map((line) => line.y[0]).filter(Number.isFinite)
  const low = Math.min(0, ...values)
  const high = Math.max(0, ...values)
  const share = (/** @type {number} */ value) => (Number.isFinite(value) && high > low ? (value - low) / (high - low) : 0)
  return html`<div class="bars" onMouseLeave=${() => onHover('')} data-drawn=${lines.length}>${lines.map((line) => html`<a key=${line.run} href=${grouped ? undefined : path('r', line.run.slice(0, 12))} class=${line.run === hovered ? 'pointed' : ''} onMouseEnter=${() => onHover(line.run)}>
    <span title=${line.look.name}>${line.look.name}</span><i><u style=${{ width: `${Math.max(0.5, share(line.y[0]) * 100)}%`, background: line.look.colour }}></u></i><em>${number(line.y[0])}</em></a>`)}</div>`
}

/** The lines in numbers: where they end, then their values along x. @param {{lines: import('../../chart.js').Line[], x: string, height: number}} given */
function Numbers({ lines, x, height }) {
  const line = (/** @type {string} */ head, /** @type {(line: import('../../chart.js').Line) => any} */ of) => html`<tr class="sum"><th>${head}</th>${lines.map((each) => html`<td key=${each.run} class="number">${number(of(each))}</td>`)}</tr>`
  return html`<div class="numbers" style=${{ height: `${height}px` }}><table class="list">
    <thead><tr><th>${x}</th>${lines.map((each) => html`<th key=${each.run} class="number">${each.look.name}</th>`)}</tr></thead>
    <tbody>${line('last', (each) => each.y[each.y.length - 1])}${line('least', (each) => each.min)}${line('greatest', (each) => each.max)}${line('points', (each) => each.total)}
      ${tabled(lines, ROWS).map(([at, ...values]) => html`<tr key=${at}><th>${placed(at, x)}</th>${values.map((value, index) => html`<td key=${index} class="number">${value === null ? NOTHING : number(value)}</td>`)}</tr>`)}</tbody></table></div>`
}
