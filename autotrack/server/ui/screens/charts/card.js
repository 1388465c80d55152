// The card of one metric: fetched and drawn when it comes near the view, fresh while runs go on.
import { useEffect, useRef, useState } from 'preact/hooks'
import { Chart } from '../../chart.js'
import { curves } from '../../curves.js'
import { save } from '../../export.js'
import { counted, number } from '../../format.js'
import { html } from '../../html.js'
import { onChange } from '../../live.js'
import { Menu } from '../../menu.js'
import { change, path } from '../../router.js'
import { Failed } from '../../states.js'
import { asCsv, asSvg } from './files.js'

const HEIGHT = 208
const NEAR = '300px'

/**
 * @typedef {{id: string, name: string, look: import('../../chart.js').Look}} Drawn
 * @param {{metric: string, runs: Drawn[], manner: import('./toolbar.js').Manner, hovered: string, onHover: (run: string) => void}} given
 */
export function Card({ metric, runs, manner, hovered, onHover }) {
  const root = useRef(/** @type {HTMLElement | null} */ (null))
  const handle = useRef(/** @type {any} */ (null))
  const [near, setNear] = useState(false)
  const [lines, setLines] = useState(/** @type {import('../../chart.js').Line[] | null} */ (null))
  const [error, setError] = useState(/** @type {any} */ (null))
  const [table, setTable] = useState(false)
  const [large, setLarge] = useState(false)
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && setNear(true), { rootMargin: NEAR })
    if (root.current) observer.observe(root.current)
    return () => observer.disconnect()
  }, [])
  const { x, smooth, from, to } = manner
  useEffect(() => {
    if (!near) return
    let here = true
    const px = Math.max(200, Math.round(((root.current?.clientWidth ?? 400) - 110) / 50) * 50)
    curves(runs.map((run) => run.id), metric, { x, px, smooth: smooth || undefined, from, to }).then(
      (found) => {
        if (!here) return
        const looks = new Map(runs.map((run) => [run.id, run.look]))
        setLines(found.flatMap((curve) => { const look = looks.get(curve.run); return look && curve.of ? [{ ...curve, look }] : [] }))
        setError(null)
      },
      (failure) => here && setError(failure),
    )
    return () => void (here = false)
  }, [near, runs, metric, x, smooth, from, to, large, turn])
  useEffect(() => {
    if (!near) return
    const own = new Set(runs.map((run) => run.id))
    return onChange(({ runs: changed, reset }) => (reset || changed.some(({ id }) => own.has(id))) && setTurn((now) => now + 1))
  }, [near, runs])
  const zoom = (/** @type {number} */ a, /** @type {number} */ b) => change({ zoom: `${x === 'step' ? Math.floor(a) : +a.toFixed(3)}..${x === 'step' ? Math.ceil(b) : +b.toFixed(3)}` })
  const name = metric.replaceAll('/', '_')
  const picture = () => handle.current?.ctx.canvas.toBlob((/** @type {Blob} */ blob) => save(`${name}.png`, blob))
  return html`<article class=${large ? 'card chart-card large' : 'card chart-card'} ref=${root} data-metric=${metric}>
    <header><h3>${metric}</h3>
      <button class="quiet" title="Larger or smaller" aria-pressed=${large} onClick=${() => setLarge(!large)}>⤢</button>
      <${Menu} label="⋯" title=${`${metric}: table, files`} align="right">${(/** @type {() => void} */ close) => html`<div class="choices" onClick=${close}>
        <button onClick=${() => setTable(!table)}>${table ? 'Show as chart' : 'Show as table'}</button>
        <button onClick=${picture}>PNG</button>
        <button onClick=${() => save(`${name}.svg`, asSvg(lines ?? [], metric, manner), 'image/svg+xml')}>SVG</button>
        <button onClick=${() => save(`${name}.csv`, asCsv(lines ?? [], x), 'text/csv')}>CSV</button>
      </div>`}<//>
    </header>
    ${error && html`<${Failed} what=${metric} error=${error} retry=${() => setTurn(turn + 1)} stale=${lines !== null} />`}
    ${lines === null ? html`<div style=${{ height: `${HEIGHT}px` }}></div>` : table ? html`<${Numbers} lines=${lines} />` : lines.every((line) => line.total <= 1) ? html`<${Bars} lines=${lines} hovered=${hovered} onHover=${onHover} />` : html`<${Chart} lines=${lines} label=${metric} height=${large ? HEIGHT * 2.2 : HEIGHT} axes=${manner} hovered=${hovered} onHover=${onHover} onZoom=${zoom} onReset=${() => change({ zoom: null })} handle=${handle} />`}
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

/** Metrics of one value a run: beside each other as bars. @param {{lines: import('../../chart.js').Line[], hovered: string, onHover: (run: string) => void}} given */
function Bars({ lines, hovered, onHover }) {
  const values = lines.map((line) => line.y[0]).filter(Number.isFinite)
  const low = Math.min(0, ...values)
  const high = Math.max(0, ...values)
  const share = (/** @type {number} */ value) => (Number.isFinite(value) && high > low ? (value - low) / (high - low) : 0)
  return html`<div class="bars" onMouseLeave=${() => onHover('')} data-drawn=${lines.length}>${lines.map((line) => html`<a key=${line.run} href=${path('r', line.run.slice(0, 12))} class=${line.run === hovered ? 'pointed' : ''} onMouseEnter=${() => onHover(line.run)}>
    <span title=${line.look.name}>${line.look.name}</span><i><u style=${{ width: `${Math.max(0.5, share(line.y[0]) * 100)}%`, background: line.look.colour }}></u></i><em>${number(line.y[0])}</em></a>`)}</div>`
}

/** @param {{lines: import('../../chart.js').Line[]}} given */
function Numbers({ lines }) {
  return html`<div class="numbers"><table class="list"><thead><tr><th>run</th><th class="number">last</th><th class="number">least</th><th class="number">greatest</th><th class="number">points</th></tr></thead>
    <tbody>${lines.map((line) => html`<tr key=${line.run}><td>${line.look.name}</td><td class="number">${number(line.y[line.y.length - 1])}</td><td class="number">${number(line.min)}</td><td class="number">${number(line.max)}</td><td class="number">${number(line.total)}</td></tr>`)}</tbody></table></div>`
}
