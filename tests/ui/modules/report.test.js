import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curvesOf } from '../../../autotrack/server/ui/curves.js'
import { Held } from '../../../autotrack/server/ui/report/answers.js'
import { curvesIn, keysOf, linesOf, packed, smoothed } from '../../../autotrack/server/ui/report/curves.js'

const line = (x, y, more = {}) => {
  const values = Float64Array.from(y)
  return { run: 'r1', key: 'k', x: Float64Array.from(x), y: values, lo: values, hi: values, of: x.length, total: x.length, whole: true, min: Math.min(...y), max: Math.max(...y), nan: 0, inf: 0, ninf: 0, nonPositive: 0, ...more }
}
const held = (x, lines) => curvesIn([{ x, data: packed(lines) }])

test('lines go through the format of the server, umlauts in their keys included', () => {
  const found = curvesOf(packed([line([1, 2], [3, 4], { key: 'größe, "a"' }), line([], [], { key: 'none' }), line([7], [-1])]))
  assert.deepEqual(found.map(({ key, x, y }) => [key, [...x], [...y]]), [['größe, "a"', [1, 2], [3, 4]], ['none', [], []], ['k', [7], [-1]]])
  assert.deepEqual(keysOf('a/b,`c, ``d```,e'), ['a/b', 'c, `d`', 'e'])
})

test('a line is cut where a chart is zoomed, repeated places whole, and its extremes are those of the part', () => {
  const lines = held('step', [line([0, 1, 1, 1, 2, 3], [9, 5, -6, 4, 3, 8])])
  const [part] = linesOf(lines, ['r1'], ['k'], { x: 'step', from: '1', to: '2' })
  assert.deepEqual([[...part.x], [...part.y], part.min, part.max, part.of, part.nonPositive], [[1, 1, 1, 2], [5, -6, 4, 3], -6, 5, 4, 1])
  const [none, other] = linesOf(lines, ['r1'], ['k', 'missing'], { x: 'step', from: '1.2', to: '1.8' })
  assert.deepEqual([none.x.length, other.x.length, other.key], [0, 0, 'missing'])
})

test('relative time begins at 0, and a smooth line is the average without its bias, its band the values as they were', () => {
  const lines = held('time', [line([100, 101, 104], [1, NaN, 3])])
  const [relative] = linesOf(lines, ['r1'], ['k'], { x: 'rel', smooth: '0.5' })
  assert.deepEqual([...relative.x], [0, 1, 4])
  assert.equal(relative.y[0], 1)
  assert.ok(Number.isNaN(relative.y[1]), 'what is no number is left out of the average')
  assert.ok(Math.abs(relative.y[2] - (0.5 * 0.5 * 1 + 0.5 * 3) / 0.75) < 1e-12)
  assert.deepEqual([...relative.lo], [1, NaN, 3])
  const thin = smoothed(line([0, 1], [0, 1], { whole: false, of: 20 }), 0.9)
  assert.ok(Math.abs(thin.y[1] - 1 / (1 + 0.9 ** 10)) < 1e-12, 'a point that stands for ten weighs as ten do')
})

const row = (key, values, delta = null) => ({ key, values, same: values.every((value) => value === values[0]), delta, goal: null, path: null })
const document = {
  format: 1, title: '', made: 0, version: '', files: { '/runs/aa01/artifacts/a b.txt': { media: 'text/plain', data: btoa('hello') } }, curves: [], left: {},
  runs: [{ id: 'aa01', name: 'one', experiment: 'e', experiment_id: '7' }, { id: 'ab02', name: 'two', experiment: 'e', experiment_id: '7' }, { id: 'b003', name: 'three', experiment: 'e', experiment_id: '7' }],
  answers: {
    '/compare?runs=aa01,ab02,b003&same=1': {
      runs: [{ id: 'aa01', name: 'one' }, { id: 'ab02', name: 'two' }, { id: 'b003', name: 'three' }],
      blocks: [{ name: 'result', rows: [row('m.loss', [1, 1, 4], [0, 0, 3]), row('status', ['ok', 'ok', 'ok'])], equal: 1, hidden: 0 }, { name: 'params', rows: [row('lr', ['1', '1', null])], equal: 0, hidden: 0 }],
    },
    '/columns?exp=7': { main: 'm.loss' },
    '/runs/aa01': { id: 'aa01' },
    '/files/search?sessions=s': { files: [] },
  },
}

test('a comparison of a report is put in another order, and said of fewer runs', () => {
  const report = new Held(document)
  const turned = report.answer('/compare', { runs: 'b0,aa' }).json
  assert.deepEqual(turned.runs.map(({ name }) => name), ['three', 'one'])
  assert.deepEqual([turned.blocks[0].rows[0].values, turned.blocks[0].rows[0].delta, turned.blocks[0].hidden], [[4, 1], [0, -3], 1])
  const [result, params] = report.answer('/compare', { runs: 'aa01,ab02' }).json.blocks
  assert.deepEqual([result.rows, result.equal, params.equal, params.hidden], [[], 2, 1, 1], 'what only the third run had otherwise is equal in the two')
  assert.equal(report.answer('/compare', { runs: 'a,b003' }), null, 'two runs begin with a')
})

test('questions are answered by what they mean: beginnings of ids, names of experiments, columns, files; else not', () => {
  const report = new Held(document)
  assert.deepEqual(report.answer('/runs/aa', {}).json, { id: 'aa01' })
  assert.deepEqual(report.answer('/columns', { exp: 'e' }).json, { main: 'm.loss' })
  assert.deepEqual(report.answer('/table', { ids: 'b003,aa01', cols: 'm.loss,p.lr,p.none' }).json.cols, { name: ['three', 'one'], status: [null, null], start: [null, null], end: [null, null], 'm.loss': [4, 1], 'p.lr': [null, '1'], 'p.none': [null, null] })
  const file = report.answer('/runs/aa01/artifacts/a b.txt', { view: 'page' })
  assert.equal(new TextDecoder().decode(file.bytes), 'hello')
  assert.deepEqual(report.answer('/files/search', {}, { sessions: ['s'] }).json, { files: [] })
  for (const [path, query] of [['/runs/zz', {}], ['/overview', {}], ['/table', { exp: '7' }], ['/columns', { exp: 'other' }]]) assert.equal(report.answer(path, query), null)
})
