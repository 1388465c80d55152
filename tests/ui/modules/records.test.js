import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tableOf } from '../../../autotrack/server/ui/screens/run/records.js'

test('records and split tables have rows; their missing values are empty, what is nested is JSON', () => {
  assert.deepEqual(tableOf([{ a: 1, b: null }, { b: 'x', __proto__x: [2] }]), [['a', 'b', '__proto__x'], ['1', '', ''], ['', 'x', '[2]']])
  assert.deepEqual(tableOf([{ toString: 1 }, {}]), [['toString'], ['1'], ['']])
  assert.deepEqual(tableOf({ columns: ['a', 'b'], data: [[0.5, true], [null, '<b>']] }), [['a', 'b'], ['0.5', 'true'], ['', '<b>']])
})

test('what is no table is none', () => {
  for (const value of [null, 1, [], [1, 2], [{ a: 1 }, 2], {}, { columns: ['a'], data: [1] }, { columns: 'a', data: [] }]) assert.equal(tableOf(value), null)
})

test('the first thousand rows are enough', () => {
  assert.equal(tableOf(Array.from({ length: 5000 }, (_, a) => ({ a })))?.length, 1001)
})
