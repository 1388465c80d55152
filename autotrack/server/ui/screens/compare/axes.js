// Axes of any key: numbers, linear or logarithmic, or categories; where values stand on them, and which are within a brush.
import { isMetric } from '../../columns.js'
import { number } from '../../format.js'

/**
 * @typedef {object} Axis
 * @property {string} key
 * @property {boolean} flipped
 * @property {'number' | 'category'} kind
 * @property {boolean} log
 * @property {number} low @property {number} high of numbers
 * @property {string[]} categories
 * @property {Float64Array} values numbers, or the places of categories; NaN where a run has none
 * @property {Float32Array} at 0 (bottom) to 1 (top); NaN where a run has none
 */

/** More different values than this are numbers if they can be. */
const DECADES = 100

/** @param {string} key @param {any[]} given as `/table` has them @param {{flipped?: boolean, log?: boolean}} [how] @returns {Axis} */
export function axisOf(key, given, { flipped = false, log } = {}) {
  const numeric = isMetric(key) || key === 'duration' || given.every((value) => value === null || (value !== '' && Number.isFinite(Number(value))) || /^(nan|-?inf(inity)?)$/i.test(value))
  const values = new Float64Array(given.length).fill(NaN)
  /** @type {string[]} */
  let categories = []
  if (numeric) given.forEach((value, index) => { if (value !== null && Number.isFinite(Number(value))) values[index] = Number(value) })
  else {
    categories = [...new Set(given.filter((value) => value !== null).map(String))].sort()
    const places = new Map(categories.map((value, index) => [value, index]))
    given.forEach((value, index) => { if (value !== null) values[index] = places.get(String(value)) ?? NaN })
  }
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  if (low > high) [low, high] = [0, 1]
  const logarithmic = numeric && low > 0 && (log ?? high / low > DECADES)
  const axis = { key, flipped, kind: /** @type {'number' | 'category'} */ (numeric ? 'number' : 'category'), log: logarithmic, low, high, categories, values, at: new Float32Array(given.length) }
  for (let index = 0; index < values.length; index += 1) axis.at[index] = place(axis, values[index])
  return axis
}

/** Where a value stands: 0 to 1. @param {Axis} axis @param {number} value */
export function place(axis, value) {
  const { low, high, log } = axis
  if (Number.isNaN(value)) return NaN
  if (low === high) return 0.5
  const share = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)
  return axis.flipped ? 1 - share : share
}

/** The value at a place. @param {Axis} axis @param {number} share */
export function valueAt(axis, share) {
  const up = axis.flipped ? 1 - share : share
  return axis.log ? axis.low * (axis.high / axis.low) ** up : axis.low + up * (axis.high - axis.low)
}

/** What stands beside an axis. @param {Axis} axis @param {number} [most] @returns {{at: number, text: string}[]} */
export function ticks(axis, most = 6) {
  if (axis.kind === 'category') {
    const step = Math.ceil(axis.categories.length / 24)
    return axis.categories.flatMap((text, index) => (index % step ? [] : [{ at: place(axis, index), text }]))
  }
  if (axis.low === axis.high) return [{ at: 0.5, text: number(axis.low, 3) }]
  return marks(axis, most).map((value) => ({ at: place(axis, value), text: number(value, 3) }))
}

/** @param {Axis} axis @param {number} most */
function marks({ low, high, log }, most) {
  if (log) {
    const found = []
    const many = Math.log10(high / low) > 2.5
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
      for (const factor of many ? [1] : [1, 2, 5]) found.push(factor * 10 ** power)
    }
    const inside = found.filter((value) => value >= low * 0.999 && value <= high * 1.001)
    return inside.length > 1 ? inside : [low, high]
  }
  const raw = (high - low) / most
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw) ?? raw
  const found = []
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) found.push(Math.abs(value) < step * 1e-9 ? 0 : Number(value.toPrecision(12)))
  return found
}

/** @typedef {{low: number, high: number} | {among: string[]}} Brush */

/** True for each run that is within all brushes. @param {Map<string, Axis>} axes @param {Map<string, Brush>} brushes @param {number} count @returns {Uint8Array} */
export function within(axes, brushes, count) {
  const inside = new Uint8Array(count).fill(1)
  for (const [key, brush] of brushes) {
    const axis = axes.get(key)
    if (!axis) continue
    const among = 'among' in brush ? new Set(brush.among.map((text) => axis.categories.indexOf(text))) : null
    for (let index = 0; index < count; index += 1) {
      const value = axis.values[index]
      const fits = among ? among.has(value) : value >= /** @type {any} */ (brush).low && value <= /** @type {any} */ (brush).high
      if (!fits) inside[index] = 0
    }
  }
  return inside
}

/** The brush between two places of an axis; numbers rounded to what a pixel tells. @param {Axis} axis @param {number} a @param {number} b @returns {Brush | null} */
export function brushOf(axis, a, b) {
  const [from, to] = [Math.min(a, b), Math.max(a, b)]
  if (axis.kind === 'category') {
    const among = axis.categories.filter((_, index) => { const at = place(axis, index); return at >= from && at <= to })
    return among.length ? { among } : null
  }
  const ends = [valueAt(axis, from), valueAt(axis, to)].sort((x, y) => x - y)
  const [low, high] = ends.map((value) => Number(value.toPrecision(4)))
  return { low: Math.min(from, to) <= 0 && !axis.flipped ? Math.min(low, axis.low) : low, high: to >= 1 && !axis.flipped ? Math.max(high, axis.high) : high }
}

const escaped = (/** @type {string} */ text) => encodeURIComponent(text).replace(/[~|]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)

/** Brushes as the address has them. @param {Map<string, Brush>} brushes */
export function brushText(brushes) {
  return [...brushes].map(([key, brush]) => ('among' in brush ? [key, 'in', ...brush.among] : [key, brush.low, brush.high]).map((part) => escaped(String(part))).join('~')).join('|')
}

/** @param {string} text @returns {Map<string, Brush>} */
export function brushesOf(text) {
  /** @type {Map<string, Brush>} */
  const found = new Map()
  for (const part of text.split('|').filter(Boolean)) {
    let words
    try {
      words = part.split('~').map(decodeURIComponent)
    } catch {
      continue
    }
    const [key, low, ...rest] = words
    if (low === 'in') found.set(key, { among: rest })
    else if (rest.length === 1 && Number.isFinite(Number(low)) && Number.isFinite(Number(rest[0]))) found.set(key, { low: Number(low), high: Number(rest[0]) })
  }
  return found
}
