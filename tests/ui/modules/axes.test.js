import assert from 'node:assert/strict'
import { test } from 'node:test'
import { axisOf, brushesOf, brushOf, brushText, ticks, valueAt, within } from '../../../autotrack/server/ui/screens/compare/axes.js'
import { correlation, explained, ranks } from '../../../autotrack/server/ui/screens/compare/strength.js'
import { paired } from '../../../autotrack/server/ui/screens/compare/lines.js'
import { deltaText, direction, moved } from '../../../autotrack/server/ui/screens/compare/differences.js'
import { surface } from '../../../autotrack/server/ui/screens/compare/surface.js'

test('an axis is logarithmic where values span more than two decades, and says where each stands', () => {
  const axis = axisOf('p.lr', ['0.0001', '0.01', '1', null])
  assert.equal(axis.log, true)
  assert.deepEqual([...axis.at.slice(0, 3)].map((at) => Math.round(at * 100)), [0, 50, 100])
  assert.ok(Number.isNaN(axis.at[3]))
  assert.equal(Math.round(valueAt(axis, 0.5) * 1e6), 10_000)
  assert.equal(axisOf('p.lr', ['0.1', '1']).log, false)
  assert.deepEqual(axisOf('p.kind', ['b', 'a', null]).categories, ['a', 'b'])
  assert.deepEqual(ticks(axisOf('m.x', [0, 1])).map((tick) => tick.text), ['0', '0.2', '0.4', '0.6', '0.8', '1'])
})

test('brushes of numbers and of categories survive the address, whatever they are called', () => {
  const brushes = new Map([['p.l~r|x', { low: 0.001, high: 0.1 }], ['p.kind', { among: ['a|b', 'c~d', 'ü %'] }]])
  assert.deepEqual(brushesOf(brushText(brushes)), brushes)
  assert.deepEqual(brushesOf('p.x~a~b|%zz'), new Map())
})

test('what is within all brushes', () => {
  const axes = new Map([['p.lr', axisOf('p.lr', ['0.1', '0.5', '0.9', null])], ['p.kind', axisOf('p.kind', ['a', 'b', 'a', 'a'])]])
  assert.deepEqual([...within(axes, new Map([['p.lr', { low: 0.1, high: 0.5 }]]), 4)], [1, 1, 0, 0])
  assert.deepEqual([...within(axes, new Map([['p.kind', { among: ['a'] }], ['p.lr', { low: 0.2, high: 1 }]]), 4)], [0, 0, 1, 0])
  assert.deepEqual(brushOf(axes.get('p.kind'), 0.9, 1), { among: ['b'] })
  const flipped = axisOf('p.kind', ['a', 'b'], { flipped: true })
  assert.deepEqual(brushOf(flipped, 0.9, 1), { among: ['a'] })
})

test('strength by ranks', () => {
  assert.deepEqual([...ranks([3, 1, 3, NaN])], [1.5, 0, 1.5, NaN])
  assert.equal(correlation([1, 2, 3, 4], [1, 10, 100, 1000]), 1)
  assert.equal(correlation([1, 2, 3, 4], [4, 3, 2, NaN]), -1)
  assert.equal(correlation([1, 1, 1], [1, 2, 3]), 0)
  assert.ok(explained(['a', 'a', 'b', 'b'], ranks([1, 1, 2, 2])) > 0.99)
  assert.equal(explained(['a', 'b', 'a', 'b'], ranks([1, 1, 2, 2])), 0)
})

test('changed lines stand beside each other, with their numbers', () => {
  const pairs = paired(['@@ -3,3 +3,4 @@', ' same', '-old', '+new', '+more', ' end'])
  assert.deepEqual(pairs.map(({ left, right }) => [left.number, left.text, right.number, right.text]), [
    ['', '@@ -3,3 +3,4 @@', '', ''], ['3', 'same', '3', 'same'], ['4', 'old', '4', 'new'], ['', '', '5', 'more'], ['5', 'end', '6', 'end'],
  ])
})

test('a delta is good or bad only where it is known what is better', () => {
  const row = { key: 'm.loss', values: [0.5, 0.25], delta: [0, -0.25], goal: 'min' }
  assert.equal(deltaText(row, 1), '−0.25 (−50 %)')
  assert.equal(direction(row, 1), 'good')
  assert.equal(direction({ ...row, goal: 'max' }, 1), 'bad')
  assert.equal(direction({ ...row, goal: null }, 1), '')
  assert.equal(deltaText({ ...row, values: [0, 1], delta: [0, 1] }, 1), '+1')
  assert.deepEqual(moved(['a', 'b', 'c'], 'c', 'a'), ['c', 'a', 'b'])
})

test('a surface says nothing where no point is near', () => {
  const { values, low, high } = surface([0.1, 0.1], [0.1, 0.1], [1, 3], 10, 10)
  assert.equal(Math.round(values[11] * 10) / 10, 2)
  assert.ok(Number.isNaN(values[99]))
  assert.ok(low >= 1 && high <= 3)
})
