import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curvesOf } from '../../../autotrack/server/ui/curves.js'
import { extent, grouped, merged, tabled } from '../../../autotrack/server/ui/lines.js'
import { apart } from '../../../autotrack/server/ui/paint.js'
import { atMark, logMarks, marks, numberLabels, sinceStart, timeMarks } from '../../../autotrack/server/ui/ticks.js'

const curve = (x, y, more = {}) => {
  const values = Float64Array.from(y)
  const finite = y.filter(Number.isFinite)
  return { run: 'r', key: 'k', x: Float64Array.from(x), y: values, lo: values, hi: values, of: x.length, total: x.length, whole: true,
    min: finite.length ? Math.min(...finite) : null, max: finite.length ? Math.max(...finite) : null,
    nan: y.filter(Number.isNaN).length, inf: 0, ninf: 0, nonPositive: y.filter((each) => each <= 0).length, ...more }
}

test('an answer is read where it lies, and a metric that a run lacks is an empty line', () => {
  const told = { format: 1, series: [{ run: 'a', key: 'k', n: 2, of: 2, total: 2, y: 'f4', offset_x: 0, offset_y: 16, offset_lo: 16, offset_hi: 16, non_positive: 1 }, { run: 'b', key: 'k', n: 0, of: 0, total: 0, missing: true }] }
  let head = JSON.stringify(told)
  head += ' '.repeat((8 - ((head.length + 4) % 8)) % 8)
  const data = new ArrayBuffer(4 + head.length + 24)
  new DataView(data).setUint32(0, head.length, true)
  new Uint8Array(data, 4).set(new TextEncoder().encode(head))
  new Float64Array(data, 4 + head.length, 2).set([3, 4])
  new Float32Array(data, 4 + head.length + 16, 2).set([0.5, -1])
  const [here, missing] = curvesOf(data)
  assert.deepEqual([[...here.x], [...here.y], here.nonPositive], [[3, 4], [0.5, -1], 1])
  assert.equal(missing.x.length, 0)
})

test('what came since goes behind a line, and what came late has all asked for again', () => {
  const both = merged(curve([0, 1], [5, NaN]), curve([2], [-7], { total: 3 }))
  assert.deepEqual([[...both.x], both.of, both.total, both.min, both.max, both.nan, both.nonPositive], [[0, 1, 2], 3, 3, -7, 5, 1, 1])
  assert.equal(both.lo, both.y, 'no band comes of joining lines without one')
  assert.equal(merged(curve([0, 5], [1, 1]), curve([3], [1])), null)
  const line = curve([0], [1])
  assert.equal(merged(line, curve([], [])), line)
})

test('an axis has room for every extreme, unless outliers are to be left out', () => {
  const y = Array.from({ length: 200 }, (_, at) => (at === 50 ? 99 : 1 + (at % 10) / 10))
  const line = curve(y.map((_, at) => at), y)
  assert.deepEqual(extent([line], [0, 199], { log: false, clip: false }), [1, 99])
  assert.deepEqual(extent([line], [0, 199], { log: false, clip: true }), [1, 1.9])
  assert.deepEqual(extent([curve([0, 1, 2], [-1, 0, 4])], [0, 2], { log: true, clip: false }), [4, 4])
  assert.equal(extent([curve([0], [NaN])], [0, 0], { log: false, clip: false }), null)
})

test('a group is the mean of its lines, with a band from the least to the greatest, where they go', () => {
  const lines = [curve([0, 2], [0, 4], { run: 'a' }), curve([0, 1, 2], [2, 2, 2], { run: 'b' }), curve([1, 2], [9, 9], { run: 'c' })]
  const [adam, sgd] = grouped(lines, (run) => (run === 'c' ? 'sgd' : 'adam'))
  assert.deepEqual([adam.run, [...adam.x], [...adam.y], [...adam.lo], [...adam.hi]], ['adam', [0, 1, 2], [1, 2, 3], [0, 2, 2], [2, 2, 4]])
  assert.deepEqual([[...sgd.x], [...sgd.y]], [[1, 2], [9, 9]])
})

test('lines as a table have gaps where a line does not go', () => {
  assert.deepEqual(tabled([curve([0, 2], [1, 3]), curve([1], [7])], 10), [[0, 1, null], [1, 1, 7], [2, 3, null]])
  assert.equal(tabled([curve(Array.from({ length: 500 }, (_, at) => at), Array(500).fill(1))], 20).length, 20)
})

test('marks are round, in order, and told apart', () => {
  assert.deepEqual(marks(0.13, 1.02, 5), [0.2, 0.4, 0.6, 0.8, 1])
  assert.deepEqual(numberLabels(marks(0.1231, 0.1239, 4)), ['0.1232', '0.1234', '0.1236', '0.1238'])
  assert.deepEqual(marks(0, 3, 10, 1), [0, 1, 2, 3], 'there is no half step')
  assert.deepEqual(logMarks(0.001, 1000, 4), [0.01, 1, 100])
  assert.deepEqual(timeMarks(0, 300, 5), [0, 60, 120, 180, 240, 300])
  assert.deepEqual([atMark(12_000, 1000), atMark(2_500_000, 500_000), atMark(0, 1)], ['12k', '2.5M', '0'])
  assert.deepEqual([sinceStart(0), sinceStart(90), sinceStart(7260)], ['0', '1m 30s', '2h 1m'])
})

test('labels never stand over each other, and stay inside', () => {
  const found = apart([100, 100, 99, 10], 12, 0, 104)
  const sorted = [...found].sort((a, b) => a - b)
  assert.ok(sorted.every((y, at) => at === 0 || y - sorted[at - 1] >= 12 - 1e-9), String(found))
  assert.ok(sorted[0] >= 0 && sorted[3] <= 104)
})
