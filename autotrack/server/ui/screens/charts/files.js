// A chart as a file: its points as CSV, its lines as SVG, what is on the screen as PNG.
import { ranges } from '../../chart.js'
import { isBanded, last } from '../../lines.js'
import { clockLabels, logLabels, logMarks, marks, numberLabels, sinceStart, timeMarks } from '../../ticks.js'

/** @typedef {import('../../chart.js').Line} Line */

/** @param {(import('../../curves.js').Curve & {name: string})[]} lines @param {string} x */
export function asCsv(lines, x) {
  const quoted = (/** @type {string} */ text) => (/[",\r\n]/.test(text) || /^[=+\-@]/.test(text) ? `"${(/^[=+\-@]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"` : text)
  const rows = lines.flatMap((line) => Array.from(line.x, (at, index) => `${line.run},${quoted(line.name)},${quoted(line.key)},${at},${line.y[index]}`))
  return [`run,name,metric,${x},value`, ...rows].join('\r\n') + '\r\n'
}

/** The drawn chart with its title above and the names of its lines below. @param {HTMLCanvasElement} drawn @param {Line[]} lines @param {string} title @returns {Promise<Blob>} */
export function asPng(drawn, lines, title) {
  const ratio = devicePixelRatio
  const style = getComputedStyle(document.documentElement)
  const [top, row] = [30 * ratio, 18 * ratio]
  const named = lines.slice(0, 30)
  const canvas = Object.assign(document.createElement('canvas'), { width: drawn.width, height: top + drawn.height + named.length * row + 10 * ratio })
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'))
  ctx.fillStyle = style.getPropertyValue('--ground')
  ctx.fillRect(0, 0, canvas.width, canvas.height)
  ctx.fillStyle = style.getPropertyValue('--text')
  ctx.font = `600 ${13 * ratio}px ${style.getPropertyValue('--sans')}`
  ctx.fillText(title, 10 * ratio, 20 * ratio, canvas.width - 20 * ratio)
  ctx.drawImage(drawn, 0, top)
  ctx.font = `${11 * ratio}px ${style.getPropertyValue('--sans')}`
  named.forEach(({ look }, index) => {
    const y = top + drawn.height + index * row + row / 2
    ctx.strokeStyle = look.colour
    ctx.lineWidth = 2 * ratio
    ctx.setLineDash(look.dash.map((each) => each * ratio))
    ctx.beginPath()
    ctx.moveTo(12 * ratio, y)
    ctx.lineTo(34 * ratio, y)
    ctx.stroke()
    ctx.fillText(look.name, 42 * ratio, y + 4 * ratio, canvas.width - 52 * ratio)
  })
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error('the picture could not be made')))))
}

/** @param {Line[]} lines @param {string} title @param {import('../../chart.js').Axes} axes */
export function asSvg(lines, title, axes) {
  const [width, left, top, right, bottom] = [760, 64, 36, 190, 36]
  const height = Math.max(400, top + bottom + lines.length * 16)
  const log = axes.y === 'log'
  const { x, y } = ranges(lines, axes)
  const value = (/** @type {number} */ given) => (log ? (given > 0 ? Math.log10(given) : NaN) : given)
  const px = (/** @type {number} */ at) => left + ((at - x[0]) / (x[1] - x[0])) * (width - left - right)
  const py = (/** @type {number} */ at) => top + (1 - (value(at) - y[0]) / (y[1] - y[0])) * (height - top - bottom)
  const ups = log ? logMarks(10 ** y[0], 10 ** y[1], 8) : marks(y[0], y[1], 8)
  const named = log ? logLabels(ups) : numberLabels(ups)
  const acrosses = axes.x === 'step' ? marks(x[0], x[1], 6, 1) : timeMarks(x[0], x[1], 6, axes.x === 'time' ? -new Date().getTimezoneOffset() * 60 : 0)
  const across = axes.x === 'time' ? clockLabels(acrosses) : axes.x === 'rel' ? acrosses.map((at) => sinceStart(at)) : numberLabels(acrosses)
  const grid = ups.map((at, index) => `<line x1="${left}" x2="${width - right}" y1="${py(at).toFixed(1)}" y2="${py(at).toFixed(1)}" stroke="#dddddd"/><text x="${left - 8}" y="${(py(at) + 4).toFixed(1)}" text-anchor="end">${escaped(named[index])}</text>`)
  const foot = acrosses.map((at, index) => `<text x="${px(at).toFixed(1)}" y="${height - 14}" text-anchor="middle">${escaped(across[index])}</text>`)
  const drawn = lines.map((line, index) => {
    const { colour, dash, name } = line.look
    const band = isBanded(line) ? `<path d="${pathOf(line.x, line.hi, px, py)}${pathOf(line.x.slice().reverse(), line.lo.slice().reverse(), px, py).replaceAll('M', 'L')}Z" fill="${colour}" fill-opacity="0.18"/>` : ''
    const label = `${name.slice(0, 24)} ${last(line.y)?.toPrecision(4) ?? ''}`
    return `${band}<path d="${pathOf(line.x, line.y, px, py)}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-dasharray="${dash.join(' ')}"/><text x="${width - right + 12}" y="${top + 8 + index * 16}" fill="${colour}">${escaped(label)}</text>`
  })
  const frame = `<clipPath id="c"><rect x="${left}" y="${top}" width="${width - left - right}" height="${height - top - bottom}"/></clipPath>`
  const parts = drawn.map((each) => each.replaceAll('<path ', '<path clip-path="url(#c)" '))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" fill="#333333">${frame}<rect width="100%" height="100%" fill="#ffffff"/><text x="${left}" y="22" font-size="14" font-weight="600">${escaped(title)}</text>${grid.join('')}${foot.join('')}${parts.join('')}</svg>`
}

/** The path through points; what is no number interrupts it. @param {ArrayLike<number>} x @param {ArrayLike<number>} y @param {(x: number) => number} px @param {(y: number) => number} py */
function pathOf(x, y, px, py) {
  let path = ''
  let pen = false
  for (let at = 0; at < x.length; at += 1) {
    const high = py(y[at])
    if (Number.isFinite(high)) path += `${pen ? 'L' : 'M'}${px(x[at]).toFixed(1)} ${high.toFixed(1)}`
    pen = Number.isFinite(high)
  }
  return path
}

/** XML has no place for control characters. @param {string} text */
const escaped = (text) => text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, '').replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
