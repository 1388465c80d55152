// What stands beside the pointer in a chart: the values there of the ten lines nearest to it, greatest first.
import { nearest } from './curves.js'
import { moment, number } from './format.js'
import { isBanded } from './lines.js'
import { sinceStart } from './ticks.js'

/** @typedef {import('./chart.js').Line} Line */

/** The points of lines at an x, the nearest to a y first. @param {Line[]} lines @param {number} x @param {number} slack how far a line may end before x @param {(y: number) => number} away */
export function around(lines, x, slack, away) {
  const found = lines.flatMap((line) => {
    const at = nearest(line.x, x)
    if (at < 0 || x < line.x[0] - slack || x > line.x[line.x.length - 1] + slack) return []
    const distance = away(line.y[at])
    return [{ line, at, value: line.y[at], distance: Number.isFinite(distance) ? distance : Infinity }]
  })
  return found.sort((a, b) => a.distance - b.distance)
}

/** @param {number} at @param {string} x */
export function placed(at, x) {
  if (x === 'time') return moment(at * 1000)
  return x === 'rel' ? `after ${sinceStart(at, at < 10 ? 0.01 : 1)}` : `step ${number(at, 9)}`
}

/** @param {HTMLElement} tip @param {ReturnType<typeof around>} found @param {string} x @param {string} focus */
export function fill(tip, found, x, focus) {
  const head = document.createElement('b')
  head.textContent = placed(found[0].line.x[found[0].at], x)
  const rows = found.slice(0, 10).sort((a, b) => b.value - a.value).map(({ line, at, value }) => {
    const row = document.createElement('div')
    row.className = line.run === focus ? 'pointed' : ''
    const sign = document.createElement('i')
    sign.style.background = line.look.dash.length ? `repeating-linear-gradient(90deg, ${line.look.colour} 0 3px, transparent 3px 5px)` : line.look.colour
    const name = document.createElement('span')
    name.textContent = line.look.name
    const text = document.createElement('em')
    text.textContent = number(value)
    row.append(sign, name, text)
    if (isBanded(line) && line.lo[at] !== line.hi[at]) {
      const band = document.createElement('small')
      band.textContent = `${number(line.lo[at])} to ${number(line.hi[at])}`
      row.append(band)
    }
    return row
  })
  tip.replaceChildren(head, ...rows)
}
