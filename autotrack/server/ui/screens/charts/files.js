// A chart as a file: its points as CSV, its lines as SVG.
import { compact } from '../../chart.js'

/** @typedef {import('../../chart.js').Line} Line */

/** @param {Line[]} lines @param {string} x */
export function asCsv(lines, x) {
  const quoted = (/** @type {string} */ text) => (/[",\r\n]/.test(text) || /^[=+\-@]/.test(text) ? `"${(/^[=+\-@]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"` : text)
  const rows = lines.flatMap((line) => Array.from(line.x, (at, index) => `${line.run},${quoted(line.look.name)},${quoted(line.key)},${at},${line.y[index]}`))
  return [`run,name,metric,${x},value`, ...rows].join('\r\n') + '\r\n'
}

/** @param {Line[]} lines @param {string} title @param {{y: string}} manner */
export function asSvg(lines, title, manner) {
  const [width, height, left, top, right, bottom] = [720, 400, 64, 36, 150, 36]
  const value = (/** @type {number} */ y) => (manner.y === 'log' ? (y > 0 ? Math.log10(y) : NaN) : y)
  const xs = lines.flatMap((line) => (line.x.length ? [line.x[0], line.x[line.x.length - 1]] : []))
  const ys = lines.flatMap((line) => Array.from(line.y, value).filter(Number.isFinite))
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), ys.reduce((a, b) => Math.min(a, b), Infinity), ys.reduce((a, b) => Math.max(a, b), -Infinity)]
  const px = (/** @type {number} */ x) => left + ((x - x0) / (x1 - x0 || 1)) * (width - left - right)
  const py = (/** @type {number} */ y) => top + (1 - (y - y0) / (y1 - y0 || 1)) * (height - top - bottom)
  const texts = [`<text x="${left}" y="22" font-size="14" font-weight="600">${escaped(title)}</text>`]
  for (let part = 0; part <= 4; part += 1) {
    const y = y0 + ((y1 - y0) * part) / 4
    const x = x0 + ((x1 - x0) * part) / 4
    texts.push(`<line x1="${left}" x2="${width - right}" y1="${py(y)}" y2="${py(y)}" stroke="#dddddd"/><text x="${left - 8}" y="${py(y) + 4}" text-anchor="end">${escaped(compact(manner.y === 'log' ? 10 ** y : y))}</text>`)
    texts.push(`<text x="${px(x)}" y="${height - 14}" text-anchor="middle">${escaped(compact(x))}</text>`)
  }
  const drawn = lines.map((line, index) => {
    let path = ''
    for (let at = 0; at < line.x.length; at += 1) {
      const y = value(line.y[at])
      if (Number.isFinite(y)) path += `${path ? 'L' : 'M'}${px(line.x[at]).toFixed(1)} ${py(y).toFixed(1)}`
    }
    const { colour, dash, name } = line.look
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-dasharray="${dash.join(' ')}"/><text x="${width - right + 12}" y="${top + 14 + index * 16}" fill="${colour}">${escaped(name.slice(0, 24))}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" fill="#333333"><rect width="100%" height="100%" fill="#ffffff"/>${texts.join('')}${drawn.join('')}</svg>`
}

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
