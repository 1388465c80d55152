// One chart of curves: uPlot draws its frame and follows the pointer, paint.js draws the lines into it.
import { useEffect, useRef } from 'preact/hooks'
import { drawn } from './drawn.js'
import { number } from './format.js'
import { themed } from './frame.js'
import { html } from './html.js'
import { extent, last, reach } from './lines.js'
import { paint } from './paint.js'
import { atMark, clockLabels, logLabels, logMarks, marks, numberLabels, sinceStart, timeMarks } from './ticks.js'
import { around, fill } from './tip.js'

/** @typedef {{colour: string, dash: number[], name: string}} Look */
/** @typedef {import('./curves.js').Curve & {look: Look}} Line */
/** @typedef {{x: string, y: string, clip?: boolean, from?: number, to?: number}} Axes */

let library = /** @type {Promise<any> | null} */ (null)

/** uPlot, fetched with the first chart where it is not there already. @returns {Promise<any>} */
export function uplot() {
  if ('uPlot' in window) return Promise.resolve(window.uPlot)
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
/** Pixels from a line within which the pointer is at it. */
const CLOSE = 24

/**
 * @param {object} given
 * @param {Line[]} given.lines
 * @param {string} given.label
 * @param {number} given.height
 * @param {Axes} given.axes `x`: step, time or rel; `y`: lin or log; `from`, `to`: the part of x that is shown
 * @param {string} given.hovered the run that is drawn thick
 * @param {(run: string) => void} [given.onHover]
 * @param {(from: number, to: number) => void} [given.onZoom]
 * @param {() => void} [given.onReset]
 * @param {{current: any}} [given.handle] gets the uPlot instance
 */
export function Chart({ lines, label, height, axes, hovered, onHover, onZoom, onReset, handle }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  const tip = useRef(/** @type {HTMLElement | null} */ (null))
  const now = useRef(/** @type {any} */ ({}))
  const theme = themed.value
  Object.assign(now.current, { lines, axes, focus: hovered, onHover, onZoom, onReset, tip })
  useEffect(() => {
    let here = true
    const { current } = now
    current.colours = coloursOf()
    const element = /** @type {HTMLElement} */ (box.current)
    void uplot().then((uPlot) => {
      if (!here) return
      if (current.u) return update(current)
      current.u = new uPlot(options(current, height, element.clientWidth), [[0, 1], [null, null]], element)
      if (handle) handle.current = current.u
      drawn.set(element, current)
      element.dataset.drawn = String(current.lines.length)
    })
    return () => void (here = false)
  }, [lines, axes.x, axes.y, axes.clip, axes.from, axes.to, theme])
  useEffect(() => {
    const { current } = now
    const element = /** @type {HTMLElement} */ (box.current)
    const observer = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: high } = element
      if (current.u && width && (width !== current.u.width || high !== current.u.height)) current.u.setSize({ width, height: high })
    })
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const recolour = () => void ((current.colours = coloursOf()), current.u?.redraw(false, true))
    observer.observe(element)
    dark.addEventListener('change', recolour)
    return () => {
      observer.disconnect()
      dark.removeEventListener('change', recolour)
      drawn.delete(element)
      current.u?.destroy()
      current.u = null
    }
  }, [])
  useEffect(() => now.current.u?.redraw(false, false), [hovered])
  return html`<div class="chart" role="img" tabIndex=${0} aria-label=${`${label}: ${summary(lines)}`} ref=${box} style=${{ height: `${height}px` }} onKeyDown=${(/** @type {KeyboardEvent} */ event) => step(event, now.current)} onBlur=${() => now.current.u?.setCursor({ left: -10, top: -10 })}><div class="tip" ref=${tip} hidden></div></div>`
}

/** @param {any} now */
function update(now) {
  now.u.setData([[0, 1], [null, null]])
  now.u.root.parentElement.dataset.drawn = String(now.lines.length)
}

/** What a chart shows, in words. @param {Line[]} lines */
export function summary(lines) {
  const shown = lines.filter((line) => line.y.length)
  const one = (/** @type {Line} */ line) => `${line.look.name} ends at ${number(last(line.y) ?? NaN)} (${number(line.min)} to ${number(line.max)})`
  return shown.length ? shown.slice(0, 10).map(one).join('; ') + (shown.length > 10 ? `; and ${shown.length - 10} more` : '') : 'no points'
}

function coloursOf() {
  const style = getComputedStyle(document.documentElement)
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim()
  return { muted: colour('--muted'), line: colour('--line'), bad: colour('--bad'), font: colour('--sans') }
}

/** From where to where the axes go; that of a log axis in powers of ten. @param {Line[]} lines @param {Axes} axes @returns {{x: [number, number], y: [number, number]}} */
export function ranges(lines, axes) {
  const all = reach(lines) ?? [0, 1]
  const from = axes.from ?? all[0]
  const to = axes.to ?? all[1]
  const x = /** @type {[number, number]} */ (to > from ? [from, to] : [from - 0.5, from + 0.5])
  const log = axes.y === 'log'
  const found = extent(lines, x, { log, clip: Boolean(axes.clip) }) ?? [log ? 0.1 : 0, 1]
  const [low, high] = log ? found.map(Math.log10) : found
  const room = high > low ? (high - low) * 0.06 : (log ? 0.3 : Math.abs(high) * 0.1 || 1)
  const floor = !log && low >= 0 && low < (high - low) * 0.1 ? 0 : low - room
  return { x, y: [floor, high + room] }
}

/** @param {any} now @param {number} height @param {number} width */
function options(now, height, width) {
  const range = (/** @type {'x' | 'y'} */ which) => () => ranges(now.lines, now.axes)[which]
  const axis = { stroke: () => now.colours.muted, font: `11px ${now.colours.font}`, grid: { stroke: () => now.colours.line, width: 1 }, ticks: { show: false } }
  const across = (/** @type {any} */ u, /** @type {number} */ _, /** @type {number} */ low, /** @type {number} */ high) => {
    const count = Math.max(2, u.bbox.width / devicePixelRatio / (now.axes.x === 'step' ? 52 : 70))
    if (now.axes.x === 'step') return marks(low, high, count, 1)
    return timeMarks(low, high, count, now.axes.x === 'time' ? -new Date(low * 1000).getTimezoneOffset() * 60 : 0)
  }
  const up = (/** @type {any} */ u, /** @type {number} */ _, /** @type {number} */ low, /** @type {number} */ high) => {
    const count = Math.max(2, u.bbox.height / devicePixelRatio / 32)
    return now.axes.y === 'log' ? logMarks(10 ** low, 10 ** high, count).map(Math.log10) : marks(low, high, count)
  }
  return {
    width, height, series: [{}, { show: false }], legend: { show: false }, padding: [8, MARGIN, 0, 0],
    scales: { x: { time: false, range: range('x') }, y: { range: range('y') } },
    axes: [
      { ...axis, size: 24, splits: across, values: (/** @type {any} */ _, /** @type {number[]} */ at) => labelled(at, now.axes.x) },
      { ...axis, size: 50, splits: up, values: (/** @type {any} */ _, /** @type {number[]} */ at) => (now.axes.y === 'log' ? logLabels(at.map((each) => Number((10 ** each).toPrecision(12)))) : numberLabels(at)) },
    ],
    cursor: { y: false, sync: { key: 'autotrack', setSeries: false, scales: ['x', null] }, drag: { x: true, y: false, setScale: false }, points: { show: false }, bind: { dblclick: () => () => now.onReset?.() } },
    hooks: {
      setSelect: [(/** @type {any} */ u) => {
        if (u.select.width > 4) now.onZoom?.(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'))
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
      }],
      setCursor: [(/** @type {any} */ u) => point(u, now)],
      draw: [(/** @type {any} */ u) => paint(u, { lines: now.lines, log: now.axes.y === 'log', focus: now.focus, colours: now.colours })],
    },
  }
}

/** @param {number[]} at @param {string} x */
function labelled(at, x) {
  if (x === 'time') return clockLabels(at)
  if (x === 'rel') return at.map((each) => sinceStart(each, at.length > 1 ? at[1] - at[0] : 1))
  return numberLabels(at)
}

/** Shows the values at the pointer, and says which line it is at. @param {any} u @param {any} now */
function point(u, now) {
  const tip = now.tip.current
  const { left, top } = u.cursor
  if (!tip) return
  const own = left >= 0 && (u.over.matches(':hover') || document.activeElement === u.root.parentElement)
  const x = own ? u.posToVal(left, 'x') : 0
  const log = now.axes.y === 'log'
  const away = (/** @type {number} */ y) => Math.abs(u.valToPos(log ? Math.log10(y) : y, 'y') - top)
  const found = own ? around(now.lines, x, Math.abs(u.posToVal(CLOSE, 'x') - u.posToVal(0, 'x')), away) : []
  const was = tip.hidden
  tip.hidden = !found.length
  if (!own && was) return
  const at = found.length && found[0].distance <= CLOSE ? found[0].line.run : ''
  if (at !== now.focus) now.onHover?.(at)
  if (!found.length) return
  fill(tip, found, now.axes.x, at)
  const right = left > u.over.clientWidth / 2
  tip.style.left = right ? '' : `${left + 70}px`
  tip.style.right = right ? `${u.over.clientWidth - left + MARGIN + 16}px` : ''
}

/** Left and right move the pointer's line along the x axis. @param {KeyboardEvent} event @param {any} now */
function step(event, now) {
  const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
  if (!way || !now.u) return
  event.preventDefault()
  const wide = now.u.over.clientWidth
  const left = now.u.cursor.left < 0 ? wide / 2 : now.u.cursor.left + (way * wide) / 40
  now.u.setCursor({ left: Math.min(wide - 1, Math.max(0, left)), top: 0 })
}

/** A number for an axis. @param {number} value */
export function compact(value) {
  return value === 0 ? '0' : atMark(value, Math.abs(value) / 100)
}
