// Draws points of a plane, a trend through them, or the surface that they tell of.
import { look, scale } from '../../palette.js'
import { ticks } from './axes.js'
import { colour, prepared } from './canvas.js'
import { isTurned } from './parallel_lines.js'
import { surface } from './surface.js'

export const HEIGHT = 520
const [LEFT, TOP, RIGHT, BOTTOM] = [70, 10, 24, 44]

/** @typedef {import('./axes.js').Axis} Axis */
/** @typedef {{left: number, top: number}} Spot */

/** @param {number} share @param {number} width */
const acrossOf = (share, width) => LEFT + 8 + share * (width - LEFT - RIGHT - 16)
/** @param {number} share */
const upOf = (share) => TOP + 8 + (1 - share) * (HEIGHT - TOP - BOTTOM - 16)

/** Where a run stands. @param {number} index @param {{width: number, x: Axis, y: Axis}} on @returns {Spot | null} */
export function spotOf(index, { width, x, y }) {
  const [a, b] = [x.at[index], y.at[index]]
  return Number.isNaN(a) || Number.isNaN(b) ? null : { left: acrossOf(a, width), top: upOf(b) }
}

/** The run at a place of the plane; -1 where there is none. @param {Spot} at @param {{width: number, x: Axis, y: Axis}} on */
export function nearestPoint(at, on) {
  let [best, distance] = [-1, 10]
  for (let index = 0; index < on.x.at.length; index += 1) {
    const away = Math.hypot(acrossOf(on.x.at[index], on.width) - at.left, upOf(on.y.at[index]) - at.top)
    if (away < distance) [best, distance] = [index, away]
  }
  return best
}

/** The runs within a box. @param {Spot} from @param {Spot} to @param {{width: number, x: Axis, y: Axis}} on */
export function pointsIn(from, to, on) {
  const found = []
  const [l, r, t, b] = [Math.min(from.left, to.left), Math.max(from.left, to.left), Math.min(from.top, to.top), Math.max(from.top, to.top)]
  for (let index = 0; index < on.x.at.length; index += 1) {
    const spot = spotOf(index, on)
    if (spot && spot.left >= l && spot.left <= r && spot.top >= t && spot.top <= b) found.push(index)
  }
  return found
}

/** How many points were drawn. @param {HTMLCanvasElement | null} canvas @param {any} given */
export function drawPlane(canvas, { width, ids, x, y, z, s, goal, contour, trend, picked }) {
  const context = prepared(canvas, width, HEIGHT)
  if (!context || !canvas) return 0
  const turned = isTurned(goal)
  frame(context, width, x, y)
  const tint = (/** @type {number} */ index) => {
    if (!z) return colour('--accent')
    if (z.kind === 'category') return Number.isNaN(z.values[index]) ? muted : look(z.values[index]).colour
    return Number.isNaN(z.at[index]) ? muted : scale(turned ? 1 - z.at[index] : z.at[index])
  }
  const muted = colour('--muted')
  if (contour) heights(context, width, x, y, z, turned)
  let count = 0
  context.globalAlpha = contour ? (ids.length > 2000 ? 0.16 : 0.5) : ids.length > 3000 ? 0.55 : 0.85
  for (let index = 0; index < ids.length; index += 1) {
    const spot = spotOf(index, { width, x, y })
    if (!spot) continue
    const on = picked.size > 0 && picked.has(ids[index])
    const radius = contour ? (ids.length > 2000 ? 1 : 1.6) : s ? 1.5 + 6 * (Number.isNaN(s.at[index]) ? 0 : s.at[index]) : ids.length > 3000 ? 2 : 4
    context.fillStyle = contour ? colour('--text') : picked.size && !on ? muted : tint(index)
    context.fillRect(spot.left - radius, spot.top - radius, radius * 2, radius * 2)
    count += 1
  }
  context.globalAlpha = 1
  if (trend && x.kind === 'number' && y.kind === 'number') line(context, width, x, y)
  canvas.dataset.drawn = String(count)
  return count
}

/** @param {CanvasRenderingContext2D} context @param {number} width @param {Axis} x @param {Axis} y */
function frame(context, width, x, y) {
  const [text, grid] = [colour('--text'), colour('--line')]
  context.font = `11px ${colour('--sans')}`
  context.fillStyle = text
  context.textBaseline = 'middle'
  const put = (/** @type {string} */ words, /** @type {number} */ left, /** @type {number} */ top, /** @type {number} */ most) => {
    let shown = words
    while (shown.length > 2 && context.measureText(shown).width > most) shown = `${shown.replace(/…$/, '').slice(0, -1)}…`
    context.fillText(shown, left, top)
  }
  context.textAlign = 'right'
  for (const tick of ticks(y, 7)) {
    context.fillStyle = grid
    context.fillRect(LEFT, upOf(tick.at), width - LEFT - RIGHT, 1)
    context.fillStyle = text
    put(tick.text, LEFT - 8, upOf(tick.at), LEFT - 10)
  }
  context.textAlign = 'center'
  const marks = ticks(x, 9)
  for (const tick of marks) {
    context.fillStyle = grid
    context.fillRect(acrossOf(tick.at, width), TOP, 1, HEIGHT - TOP - BOTTOM)
    context.fillStyle = text
    put(tick.text, acrossOf(tick.at, width), HEIGHT - BOTTOM + 14, (width - LEFT - RIGHT) / Math.max(1, marks.length) - 4)
  }
  context.fillStyle = colour('--muted')
  put(x.key.replace(/^[mp]\./, ''), LEFT + (width - LEFT - RIGHT) / 2, HEIGHT - 10, width / 2)
}

/** A straight line through the points, as they stand. @param {CanvasRenderingContext2D} context @param {number} width @param {Axis} x @param {Axis} y */
function line(context, width, x, y) {
  let [count, a, b, ab, aa] = [0, 0, 0, 0, 0]
  for (let index = 0; index < x.at.length; index += 1) {
    const [u, v] = [x.at[index], y.at[index]]
    if (Number.isNaN(u) || Number.isNaN(v)) continue
    count += 1
    a += u
    b += v
    ab += u * v
    aa += u * u
  }
  const spread = aa - (a * a) / count
  if (count < 3 || spread <= 0) return
  const slope = (ab - (a * b) / count) / spread
  const start = b / count - slope * (a / count)
  context.save()
  context.beginPath()
  context.rect(LEFT, TOP, width - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)
  context.clip()
  context.strokeStyle = colour('--bad')
  context.lineWidth = 2
  context.beginPath()
  context.moveTo(acrossOf(0, width), upOf(start))
  context.lineTo(acrossOf(1, width), upOf(start + slope))
  context.stroke()
  context.restore()
}

/** @param {CanvasRenderingContext2D} context @param {number} width @param {Axis} x @param {Axis} y @param {Axis} z @param {boolean} turned */
function heights(context, width, x, y, z, turned) {
  const [columns, rows] = [96, 60]
  const { values, low, high } = surface(x.at, y.at, z.at, columns, rows)
  const [w, h] = [(width - LEFT - RIGHT - 16) / columns, (HEIGHT - TOP - BOTTOM - 16) / rows]
  const bands = 12
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const value = values[row * columns + column]
      if (Number.isNaN(value)) continue
      const share = (Math.floor(((value - low) / (high - low || 1)) * bands * 0.999) + 0.5) / bands
      context.fillStyle = scale(turned ? 1 - share : share)
      context.fillRect(acrossOf(column / columns, width), upOf((row + 1) / rows), w + 0.7, h + 0.7)
    }
  }
}
