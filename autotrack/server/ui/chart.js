// One chart of curves: uPlot draws it, this says what.
import { useEffect, useRef } from 'preact/hooks'
import { nearest } from './curves.js'
import { number } from './format.js'
import { themed } from './frame.js'
import { html } from './html.js'

/** @typedef {{colour: string, dash: number[], name: string}} Look */
/** @typedef {import('./curves.js').Curve & {look: Look}} Line */

let library = /** @type {Promise<any> | null} */ (null)

/** uPlot, fetched with the first chart. @returns {Promise<any>} */
export function uplot() {
  library ??= new Promise((done, failed) => {
    const base = new URL('./vendor/', import.meta.url)
    const sheet = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: new URL('uplot.css', base).href })
    const script = Object.assign(document.createElement('script'), { src: new URL('uplot.js', base).href })
    script.onload = () => done(/** @type {any} */ (window).uPlot)
    script.onerror = () => failed(new Error('the part that draws charts could not be fetched'))
    document.head.append(sheet, script)
  })
  return library
}

/** Pixels at the right for the last values. */
const MARGIN = 62

/**
 * @param {object} given
 * @param {Line[]} given.lines
 * @param {string} given.label
 * @param {number} given.height
 * @param {{x: string, y: string, clip?: boolean}} given.axes `x`: step, time or rel; `y`: lin or log
 * @param {string} given.hovered the run that is drawn thick
 * @param {(run: string) => void} [given.onHover]
 * @param {(from: number, to: number) => void} [given.onZoom]
 * @param {() => void} [given.onReset]
 * @param {{current: any}} [given.handle] gets the uPlot instance
 */
export function Chart({ lines, label, height, axes, hovered, onHover, onZoom, onReset, handle }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  const plot = useRef(/** @type {any} */ (null))
  const tip = useRef(/** @type {HTMLElement | null} */ (null))
  const theme = themed.value
  useEffect(() => {
    let here = true
    void uplot().then((uPlot) => {
      const element = box.current
      if (!here || !element) return
      plot.current?.destroy()
      plot.current = new uPlot(options({ uPlot, lines, axes, height, width: element.clientWidth, tip, onHover, onZoom, onReset }), dataOf(uPlot, lines, axes), element)
      element.dataset.drawn = String(lines.length)
      if (handle) handle.current = plot.current
    })
    return () => void (here = false)
  }, [lines, axes.x, axes.y, axes.clip, theme, height])
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      const width = box.current?.clientWidth
      if (plot.current && width && width !== plot.current.width) plot.current.setSize({ width, height })
    })
    if (box.current) observer.observe(box.current)
    return () => {
      observer.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [])
  useEffect(() => {
    const now = plot.current
    if (!now) return
    const at = lines.findIndex((line) => line.run === hovered)
    now.setSeries(at < 0 ? null : 1 + at * 3, { focus: at >= 0 }, false)
  }, [hovered])
  return html`<div class="chart" role="img" aria-label=${`${label}: ${summary(lines)}`} ref=${box} style=${{ height: `${height}px` }}><div class="tip" ref=${tip} hidden></div></div>`
}

/** What a chart shows, in words. @param {Line[]} lines */
export function summary(lines) {
  const shown = lines.filter((line) => line.y.length)
  const one = (/** @type {Line} */ line) => `${line.look.name} ends at ${number(line.y[line.y.length - 1])} (${number(line.min)} to ${number(line.max)})`
  return shown.length ? shown.slice(0, 10).map(one).join('; ') : 'no points'
}

/** uPlot's columns: one x for all, then line, low and high of each. @param {any} uPlot @param {Line[]} lines @param {any} axes */
function dataOf(uPlot, lines, axes) {
  const usable = (/** @type {ArrayLike<number>} */ values) => Array.from(values, (value) => (Number.isFinite(value) && (axes.y !== 'log' || value > 0) ? value : null))
  const tables = lines.map((line) => {
    const y = usable(line.y)
    const banded = line.lo !== line.y && line.lo.byteOffset !== line.y.byteOffset
    return [line.x, y, banded ? usable(line.lo) : y.map(() => null), banded ? usable(line.hi) : y.map(() => null)]
  })
  if (!tables.length) return [[], []]
  return tables.length === 1 ? tables[0] : uPlot.join(tables)
}

/** @param {any} given */
function options({ lines, axes, height, width, tip, onHover, onZoom, onReset }) {
  const style = getComputedStyle(document.documentElement)
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim()
  const axis = { stroke: colour('--muted'), font: `11px ${colour('--sans')}`, grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
  const series = lines.flatMap((/** @type {Line} */ { look }) => [
    { stroke: look.colour, width: 1.5, dash: look.dash, spanGaps: true, points: { show: lonely, size: 5, fill: look.colour } },
    { stroke: 'transparent', spanGaps: true, points: { show: false } },
    { stroke: 'transparent', spanGaps: true, points: { show: false } },
  ])
  const bands = lines.map((/** @type {Line} */ { look }, /** @type {number} */ index) => ({ series: [index * 3 + 3, index * 3 + 2], fill: `${look.colour}2a` }))
  return {
    width, height, series: [{}, ...series], bands, legend: { show: false }, padding: [8, MARGIN, 0, 0],
    focus: { alpha: 0.25 },
    scales: { x: { time: axes.x === 'time' }, y: { distr: axes.y === 'log' ? 3 : 1, range: axes.clip && axes.y !== 'log' ? clipped(lines) : undefined } },
    axes: [
      { ...axis, size: 26, space: 70, values: axes.x === 'time' ? undefined : (/** @type {any} */ _, /** @type {number[]} */ ticks) => ticks.map((tick) => (axes.x === 'rel' ? clock(tick) : compact(tick))) },
      { ...axis, size: 52, space: 28, values: (/** @type {any} */ _, /** @type {any[]} */ ticks) => ticks.map((tick) => (tick === null ? '' : compact(tick))) },
    ],
    cursor: { sync: { key: 'autotrack', setSeries: false }, drag: { x: true, y: false, setScale: false }, points: { show: false }, focus: { prox: 24 }, bind: { dblclick: () => () => onReset?.() } },
    hooks: {
      setSelect: [(/** @type {any} */ u) => {
        if (u.select.width > 4) onZoom?.(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'))
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
      }],
      setSeries: [(/** @type {any} */ _, /** @type {number | null} */ index) => onHover?.(index ? (lines[Math.floor((index - 1) / 3)]?.run ?? '') : '')],
      setCursor: [(/** @type {any} */ u) => showTip(u, lines, axes, tip.current)],
      draw: [(/** @type {any} */ u) => labelEnds(u, lines, style)],
    },
  }
}

/** A line of one point is drawn as a point. @param {any} u @param {number} index */
function lonely(u, index) {
  return u.data[index].filter((/** @type {any} */ value) => value !== null && value !== undefined).length === 1
}

/** The range of y without the outermost percent of the values. @param {Line[]} lines */
function clipped(lines) {
  const values = lines.flatMap((line) => Array.from(line.y).filter(Number.isFinite)).sort((a, b) => a - b)
  if (values.length < 50) return undefined
  const low = values[Math.floor(values.length * 0.01)]
  const high = values[Math.ceil(values.length * 0.99) - 1]
  const room = (high - low || Math.abs(high) || 1) * 0.08
  return () => [low - room, high + room]
}

/** The values of the ten lines nearest to the pointer, greatest first. @param {any} u @param {Line[]} lines @param {any} axes @param {HTMLElement | null} tip */
function showTip(u, lines, axes, tip) {
  if (!tip) return
  const { left, top } = u.cursor
  tip.hidden = left < 0 || !u.over.matches(':hover')
  if (tip.hidden) return
  const at = u.posToVal(left, 'x')
  const aim = u.posToVal(top, 'y')
  const found = lines.map((line) => ({ line, index: nearest(line.x, at) })).filter(({ index }) => index >= 0)
  const values = found.map(({ line, index }) => ({ line, x: line.x[index], value: line.y[index] }))
  values.sort((a, b) => Math.abs(a.value - aim) - Math.abs(b.value - aim))
  const shown = values.slice(0, 10).sort((a, b) => b.value - a.value)
  const head = document.createElement('b')
  head.textContent = shown.length ? (axes.x === 'time' ? new Date(shown[0].x * 1000).toLocaleString() : axes.x === 'rel' ? clock(shown[0].x) : `step ${number(shown[0].x)}`) : ''
  const rows = shown.map(({ line, value }) => {
    const row = document.createElement('div')
    const sign = document.createElement('i')
    sign.style.background = line.look.colour
    const name = document.createElement('span')
    name.textContent = line.look.name
    const text = document.createElement('em')
    text.textContent = number(value)
    row.append(sign, name, text)
    return row
  })
  tip.replaceChildren(head, ...rows)
  const right = left > u.over.clientWidth / 2
  tip.style.left = right ? '' : `${left + 70}px`
  tip.style.right = right ? `${u.over.clientWidth - left + MARGIN + 16}px` : ''
}

/** Writes the last value of up to ten lines beside them, none over another. @param {any} u @param {Line[]} lines @param {CSSStyleDeclaration} style */
function labelEnds(u, lines, style) {
  const ratio = devicePixelRatio
  const ends = lines.slice(0, 10).flatMap((line) => {
    const value = lastFinite(line.y)
    const y = value === null ? NaN : u.valToPos(value, 'y', true)
    return Number.isFinite(y) ? [{ value: /** @type {number} */ (value), y, colour: line.look.colour }] : []
  })
  ends.sort((a, b) => a.y - b.y)
  const gap = 12 * ratio
  for (let index = 1; index < ends.length; index += 1) ends[index].y = Math.max(ends[index].y, ends[index - 1].y + gap)
  const { ctx, bbox } = u
  ctx.save()
  ctx.font = `${11 * ratio}px ${style.getPropertyValue('--sans')}`
  ctx.textBaseline = 'middle'
  ctx.textAlign = 'left'
  for (const { value, y, colour } of ends) {
    if (y > bbox.top + bbox.height + gap / 2) break
    ctx.fillStyle = colour
    ctx.fillText(number(value), bbox.left + bbox.width + 6 * ratio, y)
  }
  ctx.restore()
}

/** @param {ArrayLike<number>} values */
function lastFinite(values) {
  for (let index = values.length - 1; index >= 0; index -= 1) if (Number.isFinite(values[index])) return values[index]
  return null
}

/** A number for an axis. @param {number} value */
export function compact(value) {
  const size = Math.abs(value)
  if (size >= 1e15) return number(value, 3)
  for (const [unit, name] of /** @type {[number, string][]} */ ([[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']])) {
    if (size >= unit) return `${number(value / (name === 'k' ? 1e3 : unit), 3)}${name}`
  }
  return number(value, 3)
}

/** Seconds as h:mm:ss. @param {number} seconds */
export function clock(seconds) {
  const s = Math.round(seconds)
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0')
  return seconds < 10 && seconds % 1 ? `${number(seconds, 2)} s` : s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`
}
