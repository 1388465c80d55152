// Draws lines into the frame that uPlot has drawn: bands, lines, what is no number, the last values at the right.
import { number } from './format.js'
import { isBanded, last } from './lines.js'

/** @typedef {import('./chart.js').Line} Line */
/** @typedef {{lines: Line[], log: boolean, focus: string, colours: Record<string, string>}} Painted */

/** Points up to which each is marked. */
const FEW = 40
const LABELS = 10

/** @param {any} u @param {Painted} given */
export function paint(u, { lines, log, focus, colours }) {
  const { ctx, bbox } = u
  const ratio = devicePixelRatio
  const scales = { x: u.scales.x, y: u.scales.y }
  if (scales.x.min == null || scales.y.min == null) return
  const perX = bbox.width / (scales.x.max - scales.x.min || 1)
  const perY = bbox.height / (scales.y.max - scales.y.min || 1)
  const px = (/** @type {number} */ x) => bbox.left + (x - scales.x.min) * perX
  const py = (/** @type {number} */ y) => bbox.top + bbox.height - ((log ? Math.log10(y) : y) - scales.y.min) * perY
  const visible = lines.some((line) => line.run === focus) ? focus : ''
  const order = visible ? [...lines].sort((a, b) => Number(a.run === visible) - Number(b.run === visible)) : lines
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top - 2 * ratio, bbox.width + 3 * ratio, bbox.height + 4 * ratio)
  ctx.clip()
  ctx.lineJoin = 'round'
  for (const line of order) {
    const faint = visible && line.run !== visible
    if (isBanded(line)) band(ctx, line, px, py, faint ? 0.05 : 0.18)
    ctx.globalAlpha = faint ? 0.25 : 1
    ctx.strokeStyle = ctx.fillStyle = line.look.colour
    ctx.lineWidth = (line.run === visible ? 2.4 : 1.4) * ratio
    ctx.setLineDash(line.look.dash.map((each) => each * ratio))
    stroke(ctx, line, px, py, ratio)
    ctx.setLineDash([])
    odd(ctx, line, px, bbox, ratio, colours.bad)
    ctx.globalAlpha = 1
  }
  ctx.restore()
  labels(u, order, py, visible, colours, ratio)
}

/** @param {CanvasRenderingContext2D} ctx @param {Line} line @param {(x: number) => number} px @param {(y: number) => number} py @param {number} alpha */
function band(ctx, line, px, py, alpha) {
  const { x, lo, hi } = line
  ctx.beginPath()
  let from = 0
  for (let at = 0; at <= x.length; at += 1) {
    const good = at < x.length && Number.isFinite(py(lo[at])) && Number.isFinite(py(hi[at]))
    if (good) continue
    for (let index = from; index < at; index += 1) ctx[index === from ? 'moveTo' : 'lineTo'](px(x[index]), py(hi[index]))
    for (let index = at - 1; index >= from; index -= 1) ctx.lineTo(px(x[index]), py(lo[index]))
    from = at + 1
  }
  ctx.globalAlpha = alpha
  ctx.fillStyle = ctx.strokeStyle = line.look.colour
  ctx.fill()
  ctx.lineWidth = 1
  ctx.globalAlpha = alpha * 1.4
  ctx.stroke()
}

/** @param {CanvasRenderingContext2D} ctx @param {Line} line @param {(x: number) => number} px @param {(y: number) => number} py @param {number} ratio */
function stroke(ctx, { x, y }, px, py, ratio) {
  /** @type {[number, number][]} */
  const dots = []
  ctx.beginPath()
  let pen = 0
  const few = x.length <= FEW
  for (let at = 0; at < x.length; at += 1) {
    const high = py(y[at])
    if (!Number.isFinite(high)) {
      pen = 0
      continue
    }
    const across = px(x[at])
    if (pen) ctx.lineTo(across, high)
    else ctx.moveTo(across, high)
    pen = 1
    const alone = !Number.isFinite(py(y[at - 1] ?? NaN)) && !Number.isFinite(py(y[at + 1] ?? NaN))
    if (few || alone) dots.push([across, high])
  }
  ctx.stroke()
  ctx.setLineDash([])
  for (const [across, high] of dots) {
    ctx.beginPath()
    ctx.arc(across, high, (few ? 2.2 : 2.6) * ratio, 0, 7)
    ctx.fill()
  }
}

/** Marks what is no number: a cross at the foot for NaN, a triangle at the edge that an infinity lies behind. @param {CanvasRenderingContext2D} ctx @param {Line} line @param {(x: number) => number} px @param {any} bbox @param {number} ratio @param {string} colour */
function odd(ctx, line, px, bbox, ratio, colour) {
  if (!line.nan && !line.inf && !line.ninf) return
  const size = 3.5 * ratio
  const foot = bbox.top + bbox.height - size
  ctx.strokeStyle = ctx.fillStyle = colour
  ctx.lineWidth = 1.6 * ratio
  ctx.beginPath()
  for (let at = 0; at < line.x.length; at += 1) {
    const value = line.y[at]
    if (Number.isFinite(value)) continue
    const across = px(line.x[at])
    if (Number.isNaN(value)) {
      ctx.moveTo(across - size, foot - size)
      ctx.lineTo(across + size, foot + size)
      ctx.moveTo(across - size, foot + size)
      ctx.lineTo(across + size, foot - size)
    } else {
      const [edge, way] = value > 0 ? [bbox.top, 1] : [bbox.top + bbox.height, -1]
      ctx.moveTo(across, edge)
      ctx.lineTo(across - size, edge + way * size * 1.6)
      ctx.lineTo(across + size, edge + way * size * 1.6)
      ctx.lineTo(across, edge)
    }
  }
  ctx.stroke()
}

/** The last value of up to ten lines beside them, none over another. @param {any} u @param {Line[]} lines @param {(y: number) => number} py @param {string} focus @param {Record<string, string>} colours @param {number} ratio */
function labels(u, lines, py, focus, colours, ratio) {
  const { ctx, bbox } = u
  const gap = 12 * ratio
  const bottom = bbox.top + bbox.height
  const ends = lines.slice(-LABELS).flatMap((line) => {
    const value = last(line.y)
    const y = value === null ? NaN : py(value)
    return Number.isFinite(y) ? [{ value: /** @type {number} */ (value), y: Math.min(bottom, Math.max(bbox.top, y)), line }] : []
  })
  for (const [index, y] of apart(ends.map((end) => end.y), gap, bbox.top, bottom).entries()) ends[index].y = y
  ctx.save()
  ctx.font = `${11 * ratio}px ${colours.font}`
  ctx.textBaseline = 'middle'
  ctx.textAlign = 'left'
  for (const { value, y, line } of ends) {
    ctx.globalAlpha = focus && line.run !== focus ? 0.35 : 1
    ctx.fillStyle = line.look.colour
    ctx.fillText(short(value), bbox.left + bbox.width + 7 * ratio, y)
  }
  ctx.restore()
}

/** A number that fits the margin. @param {number} value */
const short = (value) => (number(value).length > 8 ? number(value, 3) : number(value))

/** Places of labels, as near as may be to where they belong and none over another. @param {number[]} wanted @param {number} gap @param {number} top @param {number} bottom */
export function apart(wanted, gap, top, bottom) {
  const order = wanted.map((y, index) => ({ y, index })).sort((a, b) => a.y - b.y)
  for (let at = 1; at < order.length; at += 1) order[at].y = Math.max(order[at].y, order[at - 1].y + gap)
  let limit = bottom
  for (let at = order.length - 1; at >= 0 && order[at].y > limit; at -= 1) {
    order[at].y = limit
    limit -= gap
  }
  if (order.length && order[0].y < top - gap / 2) order.forEach((each, at) => (each.y = top + at * ((bottom - top) / Math.max(1, order.length - 1))))
  const found = new Array(wanted.length)
  for (const { y, index } of order) found[index] = y
  return found
}
