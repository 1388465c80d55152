// How much a metric goes with a param: by ranks, so that neither scale nor outliers matter.

/** Ranks from 0, ties share theirs; NaN where there is no number. @param {ArrayLike<number>} values @returns {Float64Array} */
export function ranks(values) {
  const ranked = new Float64Array(values.length).fill(NaN)
  const order = []
  for (let index = 0; index < values.length; index += 1) if (!Number.isNaN(values[index])) order.push(index)
  order.sort((a, b) => values[a] - values[b])
  for (let first = 0; first < order.length; ) {
    let last = first
    while (last + 1 < order.length && values[order[last + 1]] === values[order[first]]) last += 1
    for (let at = first; at <= last; at += 1) ranked[order[at]] = (first + last) / 2
    first = last + 1
  }
  return ranked
}

/** Spearman's correlation of what both have; 0 where one of them does not vary. @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function correlation(a, b) {
  const both = []
  for (let index = 0; index < a.length; index += 1) if (!Number.isNaN(a[index]) && !Number.isNaN(b[index])) both.push(index)
  const x = ranks(both.map((index) => a[index]))
  const y = ranks(both.map((index) => b[index]))
  const middle = (both.length - 1) / 2
  let [xy, xx, yy] = [0, 0, 0]
  for (let at = 0; at < both.length; at += 1) {
    xy += (x[at] - middle) * (y[at] - middle)
    xx += (x[at] - middle) ** 2
    yy += (y[at] - middle) ** 2
  }
  return xx && yy ? xy / Math.sqrt(xx * yy) : 0
}

/** The share of the ranks' spread that groups explain, as a correlation: 0 to 1. @param {any[]} groups @param {Float64Array} ranked */
export function explained(groups, ranked) {
  /** @type {Map<any, {sum: number, count: number}>} */
  const found = new Map()
  let [sum, count, squares] = [0, 0, 0]
  for (let index = 0; index < groups.length; index += 1) {
    const rank = ranked[index]
    if (Number.isNaN(rank) || groups[index] === null) continue
    const one = found.get(groups[index]) ?? { sum: 0, count: 0 }
    one.sum += rank
    one.count += 1
    found.set(groups[index], one)
    sum += rank
    count += 1
    squares += rank * rank
  }
  const mean = sum / count
  const total = squares - count * mean * mean
  if (!(total > 0) || found.size >= count) return 0
  let between = 0
  for (const one of found.values()) between += one.count * (one.sum / one.count - mean) ** 2
  return Math.sqrt(Math.min(1, between / total))
}
