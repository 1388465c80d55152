// Lines of metrics in a report: as the server packed them, cut, smoothed and packed again as a chart wants them.
import { curvesOf, indexAt } from '../curves.js'

/** @typedef {import('../curves.js').Curve} Curve */

/** What lines are found by. @param {string} x @param {string} run @param {string} key */
const place = (x, run, key) => JSON.stringify([x, run, key])

/** Every line of some answers of `/series`. @param {{x: string, data: ArrayBuffer}[]} answers @returns {Map<string, Curve>} */
export function curvesIn(answers) {
  return new Map(answers.flatMap(({ x, data }) => curvesOf(data).filter((line) => line.x.length).map((line) => /** @type {[string, Curve]} */ ([place(x, line.run, line.key), line]))))
}

/** The metrics of a question: commas between them, one with a comma in backticks. @param {string} text */
export function keysOf(text) {
  return [...text.matchAll(/`((?:[^`]|``)*)`|[^,]+/g)].map(([whole, quoted]) => (quoted === undefined ? whole : quoted.replaceAll('``', '`')))
}

/**
 * @param {Map<string, Curve>} held @param {string[]} runs @param {string[]} keys @param {Record<string, string>} manner
 * @returns {Curve[]}
 */
export function linesOf(held, runs, keys, { x = 'step', from, to, smooth, after }) {
  return runs.flatMap((run) => keys.map((key) => {
    const found = held.get(place(x === 'rel' ? 'time' : x, run, key))
    if (!found || after) return { ...NONE, run, key, total: found?.total ?? 0 }
    const began = x === 'rel' ? found.x[0] : 0
    const line = smooth ? smoothed(found, Number(smooth)) : found
    return cut({ ...line, x: began ? line.x.map((at) => at - began) : line.x }, from ? Number(from) : -Infinity, to ? Number(to) : Infinity)
  }))
}

/** @type {Curve} */
const NONE = { run: '', key: '', x: new Float64Array(), y: new Float64Array(), lo: new Float64Array(), hi: new Float64Array(), of: 0, total: 0, whole: true, min: null, max: null, nan: 0, inf: 0, ninf: 0, nonPositive: 0 }

/**
 * The moving average, with the values as they were for its band. A point that stands for several weighs as those do.
 * @param {Curve} line @param {number} weight @returns {Curve}
 */
export function smoothed(line, weight) {
  const each = line.whole ? weight : weight ** (line.of / line.y.length)
  const y = Float64Array.from(line.y)
  let mean = 0
  let bias = 1
  for (let at = 0; at < y.length; at += 1) {
    if (!Number.isFinite(y[at])) continue
    mean = each * mean + (1 - each) * y[at]
    bias *= each
    y[at] = mean / (1 - bias)
  }
  return { ...line, y }
}

/** The part of a line between two places. @param {Curve} line @param {number} from @param {number} to @returns {Curve} */
function cut(line, from, to) {
  let first = indexAt(line.x, from)
  if (first < 0 || line.x[first] < from) first += 1
  while (first > 0 && line.x[first - 1] >= from) first -= 1
  const last = indexAt(line.x, to) + 1
  if (first === 0 && last === line.x.length) return line
  const part = (/** @type {Float32Array | Float64Array} */ of) => of.subarray(first, Math.max(first, last))
  const [y, lo, hi] = [part(line.y), part(line.lo), part(line.hi)]
  const low = Array.from(lo).filter(Number.isFinite)
  const high = Array.from(hi).filter(Number.isFinite)
  return {
    ...line, x: /** @type {Float64Array} */ (part(line.x)), y, lo, hi,
    of: line.whole ? y.length : Math.round((line.of * y.length) / line.y.length),
    min: low.length ? Math.min(...low) : null, max: high.length ? Math.max(...high) : null,
    nonPositive: line.whole ? Array.from(lo).filter((value) => value <= 0).length : line.nonPositive,
  }
}

/** Lines in the format of `/series`. @param {Curve[]} lines @returns {ArrayBuffer} */
export function packed(lines) {
  let at = 0
  const series = lines.map(({ run, key, x, of, whole, total, min, max, nan, inf, ninf, nonPositive }) => {
    const told = { run, key, n: x.length, of, whole, total, min, max, nan, inf, ninf, non_positive: nonPositive, y: 'f8', offset_x: at, offset_y: at + x.length * 8, offset_lo: at + x.length * 16, offset_hi: at + x.length * 24 }
    at += x.length * 32
    return x.length ? told : { ...told, missing: true }
  })
  let head = JSON.stringify({ format: 1, series })
  const size = new TextEncoder().encode(head).length
  head += ' '.repeat((8 - ((size + 4) % 8)) % 8)
  const text = new TextEncoder().encode(head)
  const data = new ArrayBuffer(4 + text.length + at)
  new DataView(data).setUint32(0, text.length, true)
  new Uint8Array(data, 4).set(text)
  const numbers = new Float64Array(data, 4 + text.length)
  at = 0
  for (const { x, y, lo, hi } of lines) {
    for (const part of [x, y, lo, hi]) {
      numbers.set(part, at)
      at += part.length
    }
  }
  return data
}
