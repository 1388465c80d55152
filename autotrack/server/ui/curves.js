// Lines of metrics as the server sends them (docs/server-api.md, "Lines of many metrics"), read without touching a point.
import { bytes } from './api.js'

/**
 * @typedef {object} Curve
 * @property {string} run
 * @property {string} key
 * @property {Float64Array} x steps or seconds
 * @property {Float32Array | Float64Array} y
 * @property {Float32Array | Float64Array} lo the least value around each point; `y` itself where nothing was left out or averaged
 * @property {Float32Array | Float64Array} hi
 * @property {number} of how many points there are in this stretch
 * @property {boolean} whole true where all of them are here
 * @property {number} total
 * @property {number | null} min
 * @property {number | null} max
 * @property {number} nan @property {number} inf @property {number} ninf @property {number} nonPositive
 */

/** @param {ArrayBuffer} data @returns {Curve[]} */
export function curvesOf(data) {
  const length = new DataView(data).getUint32(0, true)
  const { series } = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)))
  const base = 4 + length
  return series.map((/** @type {any} */ one) => {
    const { run, key, n, of, whole, total = 0, min = null, max = null, nan = 0, inf = 0, ninf = 0 } = one
    const common = { run, key, of, whole: whole ?? true, total, min, max, nan, inf, ninf, nonPositive: one.non_positive ?? 0 }
    if (one.missing) return { ...common, x: new Float64Array(), y: new Float32Array(), lo: new Float32Array(), hi: new Float32Array() }
    const Values = one.y === 'f8' ? Float64Array : Float32Array
    const values = (/** @type {number} */ offset) => new Values(data, base + offset, n)
    return { ...common, x: new Float64Array(data, base + one.offset_x, n), y: values(one.offset_y), lo: values(one.offset_lo), hi: values(one.offset_hi) }
  })
}

/** @typedef {{x: string, from?: number, to?: number, px: number, smooth?: number}} Manner */
/** @typedef {{runs: string[], key: string, manner: Manner, after: number[] | null, done: (curves: Curve[]) => void, failed: (error: any) => void}} Wish */

/** Cards that come into view together are one request; a further one waits until that is answered. */
const WAIT = 40
const MOST_LINES = 900
const MOST_TEXT = 6000
const FRESH = 10_000

/** @type {Wish[]} */
let wishes = []
let timer = 0
let under = 0

/** Lines that a request brings along, of cards that come next. */
const AHEAD = 24

/** What was brought along and not yet asked for. @type {Map<string, Promise<Curve[]>>} */
const early = new Map()

/**
 * The lines of a metric of some runs, in their order.
 * @param {string[]} runs @param {string} key @param {Manner} manner @param {string[]} [next] the metrics whose cards come next
 * @returns {Promise<Curve[]>}
 */
export function curves(runs, key, manner, next = []) {
  const name = (/** @type {string} */ each) => JSON.stringify([each, runs, manner])
  const here = early.get(name(key))
  if (here) {
    early.delete(name(key))
    return here
  }
  const asked = wish(runs, key, manner, null)
  for (const each of next.slice(0, Math.floor(AHEAD / Math.max(1, runs.length)))) {
    if (early.has(name(each)) || wishes.some((other) => other.key === each)) continue
    const brought = wish(runs, each, manner, null)
    early.set(name(each), brought)
    // Nobody may ever ask for it: a failure is told to whoever does, and after a while it is out of date.
    brought.catch(() => undefined)
    setTimeout(() => early.delete(name(each)), FRESH)
  }
  return asked
}

/** What came since: for each run, in order, `after` is the `total` that one has. @param {string[]} runs @param {string} key @param {Manner} manner @param {number[]} after */
export function tails(runs, key, manner, after) {
  return wish(runs, key, manner, after)
}

/** @param {string[]} runs @param {string} key @param {Manner} manner @param {number[] | null} after @returns {Promise<Curve[]>} */
function wish(runs, key, manner, after) {
  return new Promise((done, failed) => {
    wishes.push({ runs, key, manner, after, done, failed })
    if (!timer) timer = window.setTimeout(send, WAIT)
  })
}

async function send() {
  timer = 0
  if (under >= 2 || !wishes.length) return
  const kind = (/** @type {Wish} */ wish) => JSON.stringify([wish.runs, wish.manner, wish.after !== null])
  const first = kind(wishes[0])
  const most = Math.max(1, Math.floor(MOST_LINES / Math.max(1, wishes[0].runs.length)))
  let room = MOST_TEXT
  const now = wishes.filter((wish) => kind(wish) === first && (room -= encodeURIComponent(wish.key).length + 3) > 0).slice(0, most)
  wishes = wishes.filter((wish) => !now.includes(wish))
  if (wishes.length && under === 0) timer = window.setTimeout(send)
  under += 1
  const keys = [...new Set(now.map((wish) => wish.key))]
  try {
    const { runs, manner } = now[0]
    const since = now[0].after && runs.flatMap((_, run) => keys.map((key) => now.find((wish) => wish.key === key)?.after?.[run] ?? 0))
    const found = curvesOf(await bytes('/series', { ...manner, runs: runs.join(','), keys: listed(keys), after: since?.join(',') }))
    for (const wish of now) wish.done(found.filter((curve) => curve.key === wish.key))
  } catch (error) {
    for (const wish of now) wish.failed(error)
  }
  under -= 1
  if (wishes.length && !timer) timer = window.setTimeout(send)
}

/** @param {string[]} keys */
const listed = (keys) => keys.map((key) => (/[,`]/.test(key) ? `\`${key.replaceAll('`', '``')}\`` : key)).join(',')

/** The index of the last point at or before a place; -1 where there is none. @param {ArrayLike<number>} x @param {number} at */
export function indexAt(x, at) {
  let low = 0
  let high = x.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (x[middle] <= at) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The point nearest to a place; -1 where the line is empty. @param {ArrayLike<number>} x @param {number} at */
export function nearest(x, at) {
  const before = indexAt(x, at)
  if (before < 0) return x.length ? 0 : -1
  return before + 1 < x.length && x[before + 1] - at < at - x[before] ? before + 1 : before
}
