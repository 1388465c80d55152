import assert from 'node:assert/strict'
import { test } from 'node:test'
import { age, counted, duration, number, size } from '../../../autotrack/server/ui/format.js'

test('numbers have about four digits, and none that say nothing', () => {
  const expected = [[0.123456, '0.1235'], [0.5, '0.5'], [12345.678, '12,346'], [250, '250'], [1e-7, '1e−7'], [-0.00001234, '−1.234e−5'],
    [1234567, '1,234,567'], [1e20, '1e20'], [0, '0'], ['NaN', 'NaN'], ['-Infinity', '−∞'], [null, '–'], [99.99999, '100'], [0.30000000000000004, '0.3']]
  for (const [value, text] of expected) assert.equal(number(value), text, String(value))
})

test('durations, ages, sizes', () => {
  assert.equal(duration(999), '999 ms')
  assert.equal(duration(61_000), '1 min 1 s')
  assert.equal(duration(3_600_000 * 50), '2 d 2 h')
  assert.equal(age(0, 59_000), 'just now')
  assert.equal(age(0, 7_200_000), '2 h ago')
  assert.equal(size(1234), '1.23 KB')
  assert.equal(size(999), '999 B')
  assert.equal(counted(1, 'run'), '1 run')
  assert.equal(counted(10_000, 'run'), '10,000 runs')
})
