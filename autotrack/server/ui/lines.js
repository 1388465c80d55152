// Arithmetic on lines: where they end, what joins them, how groups of them go together. Nothing here knows a page.

/** @typedef {import('./curves.js').Curve} Curve */

/** True where a line has a band behind it. @param {Curve} line */
export const isBanded = (line) => line.lo.byteOffset !== line.y.byteOffset || line.hi.byteOffset !== line.y.byteOffset || line.lo.buffer !== line.y.buffer

/** A line with what came after it; null where that does not go behind it, and all has to be asked for. @param {Curve} line @param {Curve} tail @returns {Curve | null} */
export function merged(line, tail) {
  if (!tail.x.length) return line
  if (!line.x.length) return tail
  if (tail.x[0] < line.x[line.x.length - 1]) return null
  const y = joined(line.y, tail.y)
  const plain = !isBanded(line) && !isBanded(tail)
  const least = (/** @type {number | null} */ a, /** @type {number | null} */ b) => (a === null ? b : b === null ? a : Math.min(a, b))
  const most = (/** @type {number | null} */ a, /** @type {number | null} */ b) => (a === null ? b : b === null ? a : Math.max(a, b))
  return {
    ...line, y, x: /** @type {Float64Array} */ (joined(line.x, tail.x)), lo: plain ? y : joined(line.lo, tail.lo), hi: plain ? y : joined(line.hi, tail.hi),
    of: line.of + tail.of, total: tail.total, whole: line.whole && tail.whole, min: least(line.min, tail.min), max: most(line.max, tail.max),
    nan: line.nan + tail.nan, inf: line.inf + tail.inf, ninf: line.ninf + tail.ninf, nonPositive: line.nonPositive + tail.nonPositive,
  }
}

/** @param {Float32Array | Float64Array} first @param {Float32Array | Float64Array} then */
function joined(first, then) {
  const both = new (first instanceof Float32Array && then instanceof Float32Array ? Float32Array : Float64Array)(first.length + then.length)
  both.set(first)
  both.set(then, first.length)
  return both
}

/** Where the first of rising numbers stands that is not below `at`. @param {ArrayLike<number>} x @param {number} at */
export function place(x, at) {
  let low = 0
  let high = x.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (x[middle] < at) low = middle + 1
    else high = middle
  }
  return low
}

/** The last value that is a number. @param {ArrayLike<number>} values @returns {number | null} */
export function last(values) {
  for (let at = values.length - 1; at >= 0; at -= 1) if (Number.isFinite(values[at])) return values[at]
  return null
}

/** From where to where lines go. @param {Curve[]} lines @returns {[number, number] | null} */
export function reach(lines) {
  let low = Infinity
  let high = -Infinity
  for (const { x } of lines) {
    if (!x.length) continue
    low = Math.min(low, x[0])
    high = Math.max(high, x[x.length - 1])
  }
  return low <= high ? [low, high] : null
}

/**
 * The least and the greatest number of lines between two x; on a log axis of those above 0 only.
 * @param {Curve[]} lines @param {[number, number]} between @param {{log: boolean, clip: boolean}} how `clip`: without the outermost 2 % on either side
 * @returns {[number, number] | null}
 */
export function extent(lines, [from, to], { log, clip }) {
  let low = Infinity
  let high = -Infinity
  /** @type {number[]} */
  const all = []
  for (const line of lines) {
    const end = Math.min(line.x.length, place(line.x, to) + 1)
    for (let at = Math.max(0, place(line.x, from) - 1); at < end; at += 1) {
      for (const value of [line.y[at], line.lo[at], line.hi[at]]) {
        if (!Number.isFinite(value) || (log && value <= 0)) continue
        if (value < low) low = value
        if (value > high) high = value
        if (clip) {
          all.push(value)
          break
        }
      }
    }
  }
  if (clip && all.length >= 20) {
    all.sort((a, b) => a - b)
    low = all[Math.floor((all.length - 1) * 0.02)]
    high = all[Math.ceil((all.length - 1) * 0.98)]
  }
  return low <= high ? [low, high] : null
}

/**
 * The lines of groups: their mean, and the least and the greatest of their lines as a band.
 * @param {Curve[]} lines @param {(run: string) => string} groupOf @param {number} [columns] how many x there are at most
 * @returns {Curve[]} `run` is the group
 */
export function grouped(lines, groupOf, columns = 300) {
  const all = reach(lines)
  if (!all) return []
  const [from, to] = all
  const steps = Number.isInteger(from) && Number.isInteger(to) ? Math.min(columns, to - from + 1) : columns
  const x = Float64Array.from({ length: steps }, (_, at) => (steps > 1 ? from + ((to - from) * at) / (steps - 1) : from))
  /** @type {Map<string, Curve[]>} */
  const groups = new Map()
  for (const line of lines) {
    const group = groupOf(line.run)
    if (line.x.length) groups.set(group, [...(groups.get(group) ?? []), line])
  }
  return [...groups].map(([run, members]) => ({ ...together(members, x), run }))
}

/** @param {Curve[]} lines @param {Float64Array} x @returns {Curve} */
function together(lines, x) {
  const sum = new Float64Array(x.length)
  const count = new Float64Array(x.length)
  const low = new Float64Array(x.length).fill(Infinity)
  const high = new Float64Array(x.length).fill(-Infinity)
  for (const line of lines) {
    const end = line.x.length - 1
    for (let at = 0, column = 0; column < x.length; column += 1) {
      if (x[column] < line.x[0] || x[column] > line.x[end]) continue
      while (at < end && line.x[at + 1] <= x[column]) at += 1
      const next = Math.min(at + 1, end)
      const wide = line.x[next] - line.x[at]
      const value = wide > 0 ? line.y[at] + ((line.y[next] - line.y[at]) * (x[column] - line.x[at])) / wide : line.y[at]
      if (!Number.isFinite(value)) continue
      sum[column] += value
      count[column] += 1
      low[column] = Math.min(low[column], value)
      high[column] = Math.max(high[column], value)
    }
  }
  const has = Array.from(count.keys()).filter((column) => count[column])
  const pick = (/** @type {(column: number) => number} */ of) => Float64Array.from(has, of)
  const total = (/** @type {'nan' | 'inf' | 'ninf' | 'nonPositive' | 'of'} */ name) => lines.reduce((sofar, line) => sofar + line[name], 0)
  const extremes = [lines.flatMap((line) => line.min ?? []), lines.flatMap((line) => line.max ?? [])]
  return {
    run: '', key: lines[0].key, x: pick((at) => x[at]), y: pick((at) => sum[at] / count[at]), lo: pick((at) => low[at]), hi: pick((at) => high[at]),
    of: total('of'), total: total('of'), whole: false, min: extremes[0].length ? Math.min(...extremes[0]) : null, max: extremes[1].length ? Math.max(...extremes[1]) : null,
    nan: total('nan'), inf: total('inf'), ninf: total('ninf'), nonPositive: total('nonPositive'),
  }
}

/** Lines as rows of a table: at up to so many x of theirs, the value of each there (null: none). @param {Curve[]} lines @param {number} rows @returns {[number, ...(number | null)[]][]} */
export function tabled(lines, rows) {
  const all = [...new Set(lines.flatMap((line) => [...line.x]))].sort((a, b) => a - b)
  const chosen = all.length <= rows ? all : Array.from({ length: rows }, (_, at) => all[Math.round((at * (all.length - 1)) / (rows - 1))])
  return chosen.map((x) => [x, ...lines.map((line) => {
    const at = place(line.x, x)
    return line.x[at] === x ? line.y[at] : at > 0 && at < line.x.length ? line.y[at - 1] : null
  })])
}
