// A surface over scattered points: at each place the mean of the points around it, those nearer count more (Nadaraya-Watson).

/**
 * Heights on a grid, row by row from the bottom; NaN where no point is near.
 * @param {ArrayLike<number>} x 0 to 1 @param {ArrayLike<number>} y 0 to 1 @param {ArrayLike<number>} z
 * @param {number} columns @param {number} rows @returns {{values: Float64Array, low: number, high: number}}
 */
export function surface(x, y, z, columns, rows) {
  const weights = new Float64Array(columns * rows)
  const sums = new Float64Array(columns * rows)
  let count = 0
  for (let index = 0; index < x.length; index += 1) if (![x[index], y[index], z[index]].some(Number.isNaN)) count += 1
  const width = Math.min(0.12, Math.max(0.035, 0.45 / Math.sqrt(count || 1)))
  const reach = 3 * width
  for (let index = 0; index < x.length; index += 1) {
    const [a, b, c] = [x[index], y[index], z[index]]
    if (Number.isNaN(a) || Number.isNaN(b) || Number.isNaN(c)) continue
    const [left, right] = [Math.max(0, Math.floor((a - reach) * columns)), Math.min(columns - 1, Math.ceil((a + reach) * columns))]
    const [low, high] = [Math.max(0, Math.floor((b - reach) * rows)), Math.min(rows - 1, Math.ceil((b + reach) * rows))]
    for (let row = low; row <= high; row += 1) {
      const up = (row + 0.5) / rows - b
      for (let column = left; column <= right; column += 1) {
        const across = (column + 0.5) / columns - a
        const weight = Math.exp(-(across * across + up * up) / (2 * width * width))
        weights[row * columns + column] += weight
        sums[row * columns + column] += weight * c
      }
    }
  }
  const values = sums.map((sum, index) => (weights[index] > 0.1 ? sum / weights[index] : NaN))
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return { values, low, high }
}
