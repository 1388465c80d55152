// The lines of parallel coordinates, on two canvases: what is not within the brushes below, in grey; the rest above it.
import { useEffect, useRef, useState } from 'preact/hooks'
import { heading } from '../../columns.js'
import { themed } from '../../frame.js'
import { html } from '../../html.js'
import { scale } from '../../palette.js'
import { brushOf, place, ticks } from './axes.js'
import { colour, isDark, prepared } from './canvas.js'

const HEIGHT = 430
const TOP = 12
const BOTTOM = 34
const SIDE = 56
const STEPS = 32

/** @typedef {import('./axes.js').Axis} Axis */

/**
 * @param {object} given
 * @param {Axis[]} given.axes @param {Axis | null} given.colours @param {string | null} given.goal @param {Uint8Array} given.inside
 * @param {Map<string, import('./axes.js').Brush>} given.brushes @param {number} given.pointed the line that is drawn thick
 * @param {(key: string, brush: import('./axes.js').Brush | null) => void} given.onBrush
 * @param {(order: number[]) => void} given.onOrder @param {(at: number) => void} given.onFlip
 */
export function Lines({ axes, colours, goal, inside, brushes, pointed, onBrush, onOrder, onFlip }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  const canvases = useRef(/** @type {Record<string, HTMLCanvasElement | null>} */ ({}))
  const [width, setWidth] = useState(0)
  const [drag, setDrag] = useState(/** @type {{at: number, from: number, to: number} | null} */ (null))
  const [carried, setCarried] = useState(-1)
  const x = (/** @type {number} */ at) => SIDE + (axes.length > 1 ? (at / (axes.length - 1)) * (width - 2 * SIDE) : (width - 2 * SIDE) / 2)
  const y = (/** @type {number} */ share) => TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)
  useEffect(() => {
    const observer = new ResizeObserver(() => setWidth(box.current?.clientWidth ?? 0))
    if (box.current) observer.observe(box.current)
    return () => observer.disconnect()
  }, [])
  const theme = themed.value
  useEffect(() => {
    if (!width) return
    const frame = requestAnimationFrame(() => draw(canvases.current, { axes, colours, goal, inside, width, x, y }))
    return () => cancelAnimationFrame(frame)
  }, [axes, inside, width, theme])
  useEffect(() => {
    if (width) over(canvases.current.over, { axes, brushes, pointed, drag, width, x, y })
  }, [axes, brushes, pointed, drag, width, theme])
  const spot = (/** @type {PointerEvent} */ event) => {
    const area = /** @type {HTMLElement} */ (box.current).getBoundingClientRect()
    const left = event.clientX - area.left
    const at = axes.reduce((best, _, index) => (Math.abs(x(index) - left) < Math.abs(x(best) - left) ? index : best), 0)
    const share = 1 - (event.clientY - area.top - TOP) / (HEIGHT - TOP - BOTTOM)
    return { at, near: Math.abs(x(at) - left) < 24, share: Math.min(1, Math.max(0, share)) }
  }
  const down = (/** @type {PointerEvent} */ event) => {
    const { at, near, share } = spot(event)
    if (!near || event.button) return
    box.current?.setPointerCapture(event.pointerId)
    setDrag({ at, from: share, to: share })
  }
  const move = (/** @type {PointerEvent} */ event) => drag && setDrag({ ...drag, to: spot(event).share })
  const up = () => {
    if (!drag) return
    const { at, from, to } = drag
    setDrag(null)
    onBrush(axes[at].key, Math.abs(from - to) < 0.008 ? null : brushOf(axes[at], from, to))
  }
  const drop = (/** @type {number} */ at) => {
    const rest = axes.map((_, index) => index).filter((index) => index !== carried)
    if (carried >= 0 && carried !== at) onOrder([...rest.slice(0, at), carried, ...rest.slice(at)])
    setCarried(-1)
  }
  const step = (/** @type {KeyboardEvent} */ event, /** @type {number} */ at) => {
    const to = event.key === 'ArrowLeft' ? at - 1 : event.key === 'ArrowRight' ? at + 1 : at
    if (to === at || to < 0 || to >= axes.length) return
    event.preventDefault()
    const rest = axes.map((_, index) => index).filter((index) => index !== at)
    onOrder([...rest.slice(0, to), at, ...rest.slice(to)])
  }
  const names = axes.map((axis) => heading(axis.key)).join(', ')
  const put = (/** @type {string} */ name) => (/** @type {HTMLCanvasElement | null} */ canvas) => void (canvases.current[name] = canvas)
  return html`<div class="parallel-area">
    <div class="axis-names">${axes.map((axis, at) => html`<button key=${axis.key} class=${carried === at ? 'carried' : ''} draggable="true" title=${`${heading(axis.key)}${axis.log ? ', logarithmic' : ''}: click turns it around, drag or ← → moves it`} data-axis=${axis.key}
      style=${{ left: `${x(at)}px`, maxWidth: `${Math.max(48, (width - 2 * SIDE) / Math.max(1, axes.length - 1) - 6)}px` }} onClick=${() => onFlip(at)} onKeyDown=${(/** @type {KeyboardEvent} */ event) => step(event, at)}
      onDragStart=${() => setCarried(at)} onDragEnd=${() => setCarried(-1)} onDragOver=${(/** @type {Event} */ event) => event.preventDefault()} onDrop=${() => drop(at)}>${heading(axis.key)}${axis.flipped ? ' ↓' : ''}</button>`)}</div>
    <div class="parallel-lines" ref=${box} style=${{ height: `${HEIGHT}px` }} role="img" aria-label=${`parallel coordinates of ${inside.length} runs over ${names}`} onPointerDown=${down} onPointerMove=${move} onPointerUp=${up}>
      <canvas ref=${put('back')}></canvas><canvas ref=${put('front')}></canvas><canvas ref=${put('over')}></canvas>
    </div>
  </div>`
}

/** True where the scale is turned around, so that what is good stands out from the ground. @param {string | null} goal */
export const isTurned = (goal) => goal !== null && isDark() === (goal === 'min')

/** @param {Record<string, HTMLCanvasElement | null>} canvases @param {any} given */
function draw(canvases, { axes, colours, goal, inside, width, x, y }) {
  const back = prepared(canvases.back, width, HEIGHT)
  const front = prepared(canvases.front, width, HEIGHT)
  if (!back || !front) return
  const count = inside.length
  const places = axes.map((/** @type {Axis} */ axis) => Float32Array.from(axis.at, (at) => (Number.isNaN(at) ? HEIGHT - 14 : y(at))))
  const across = axes.map((/** @type {Axis} */ _, /** @type {number} */ at) => x(at))
  const groups = Array.from({ length: STEPS + 1 }, () => /** @type {number[]} */ ([]))
  const outside = /** @type {number[]} */ ([])
  for (let index = 0; index < count; index += 1) {
    const share = colours?.at[index]
    if (!inside[index]) outside.push(index)
    else groups[share === undefined || Number.isNaN(share) ? STEPS : Math.min(STEPS - 1, Math.floor(share * STEPS))].push(index)
  }
  const path = (/** @type {CanvasRenderingContext2D} */ context, /** @type {number[]} */ lines) => {
    context.beginPath()
    for (const index of lines) for (let at = 0; at < places.length; at += 1) at ? context.lineTo(across[at], places[at][index]) : context.moveTo(across[at], places[at][index])
    context.stroke()
  }
  back.lineWidth = front.lineWidth = 1
  back.strokeStyle = colour('--muted')
  back.globalAlpha = count > 2000 ? 0.05 : 0.2
  path(back, outside)
  const shown = count - outside.length
  front.globalAlpha = shown > 5000 ? 0.22 : shown > 1000 ? 0.4 : shown > 200 ? 0.6 : 0.9
  if (shown <= 60) front.lineWidth = 1.6
  const turned = isTurned(goal)
  const order = Array.from({ length: STEPS }, (_, step) => (goal === 'min' ? STEPS - 1 - step : step))
  front.strokeStyle = colour('--muted')
  path(front, groups[STEPS])
  for (const step of order) {
    front.strokeStyle = scale(turned ? 1 - (step + 0.5) / STEPS : (step + 0.5) / STEPS)
    path(front, groups[step])
  }
  /** @type {HTMLElement} */ (canvases.front).dataset.drawn = String(count)
}

/** Axes, their marks and brushes, and the line that is pointed at. @param {HTMLCanvasElement | null} canvas @param {any} given */
function over(canvas, { axes, brushes, pointed, drag, width, x, y }) {
  const context = prepared(canvas, width, HEIGHT)
  if (!context) return
  const [text, ground, line, accent] = ['--text', '--ground', '--muted', '--accent'].map(colour)
  if (pointed >= 0) {
    context.lineWidth = 3
    context.strokeStyle = text
    context.beginPath()
    axes.forEach((/** @type {Axis} */ axis, /** @type {number} */ at) => { const to = Number.isNaN(axis.at[pointed]) ? HEIGHT - 14 : y(axis.at[pointed]); at ? context.lineTo(x(at), to) : context.moveTo(x(at), to) })
    context.stroke()
  }
  context.lineWidth = 1
  context.font = `11px ${colour('--sans')}`
  context.textBaseline = 'middle'
  axes.forEach((/** @type {Axis} */ axis, /** @type {number} */ at) => {
    context.fillStyle = line
    context.fillRect(x(at) - 0.5, y(1), 1, y(0) - y(1))
    const brush = drag?.at === at ? { a: drag.from, b: drag.to } : ends(axis, brushes.get(axis.key))
    if (brush) {
      context.fillStyle = `color-mix(in srgb, ${accent} 30%, transparent)`
      context.strokeStyle = accent
      context.fillRect(x(at) - 8, y(Math.max(brush.a, brush.b)), 16, Math.abs(y(brush.a) - y(brush.b)))
      context.strokeRect(x(at) - 8, y(Math.max(brush.a, brush.b)), 16, Math.abs(y(brush.a) - y(brush.b)))
    }
    const right = at === axes.length - 1 && axes.length > 1
    context.textAlign = right ? 'left' : 'right'
    context.lineWidth = 3
    context.lineJoin = 'round'
    const room = at === 0 || right ? SIDE - 10 : (width - 2 * SIDE) / Math.max(1, axes.length - 1) - 16
    const put = (/** @type {string} */ words, /** @type {number} */ height) => {
      let shown = words
      while (shown.length > 2 && context.measureText(shown).width > room) shown = `${shown.replace(/…$/, '').slice(0, -1)}…`
      context.strokeStyle = ground
      context.strokeText(shown, x(at) + (right ? 6 : -6), height)
      context.fillStyle = text
      context.fillText(shown, x(at) + (right ? 6 : -6), height)
    }
    for (const tick of ticks(axis)) put(tick.text, y(tick.at))
    if (axis.at.some((share) => Number.isNaN(share))) put('none', HEIGHT - 14)
    context.lineWidth = 1
  })
}

/** Where a brush stands on its axis. @param {Axis} axis @param {import('./axes.js').Brush | undefined} brush */
function ends(axis, brush) {
  if (!brush) return null
  if ('among' in brush) {
    const at = brush.among.map((each) => axis.categories.indexOf(each)).filter((index) => index >= 0).map((index) => place(axis, index))
    return at.length ? { a: Math.max(0, Math.min(...at) - 0.02), b: Math.min(1, Math.max(...at) + 0.02) } : null
  }
  const [a, b] = [brush.low, brush.high].map((value) => Math.min(1, Math.max(0, place(axis, axis.log ? Math.max(value, axis.low) : value))))
  return { a, b }
}
