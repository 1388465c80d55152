import assert from 'node:assert/strict'
import { test } from 'node:test'
import { both, condition, parts } from '../../../autotrack/server/ui/conditions.js'

test('a condition takes any key and any value as text', () => {
  assert.equal(condition('p.lr', '0.1'), "p.lr = '0.1'")
  assert.equal(condition('p.it`s "a" key', "o'clock"), "p.`it``s \"a\" key` = 'o''clock'")
  assert.equal(condition('m.loss', 0.25), 'm.loss = 0.25')
  assert.equal(condition('p.lr', null), 'p.lr is null')
  assert.equal(condition('p.lr', 'x', true), "not p.lr = 'x'")
})

test('one condition more: what the filter said before still holds', () => {
  assert.equal(both('', 'a = 1'), 'a = 1')
  assert.equal(both('x < 1 or y < 1', 'a = 1'), '(x < 1 or y < 1) and a = 1')
  assert.equal(both('trial 09', 'a = 1'), "name ILIKE '%trial%' and name ILIKE '%09%' and a = 1")
})

test('a filter falls into what it joins by and, quotes and parentheses left whole', () => {
  assert.deepEqual(parts("a = 'this and that' and (b < 1 and c > 2) and d = 3"), ["a = 'this and that'", '(b < 1 and c > 2)', 'd = 3'])
  assert.deepEqual(parts('a = 1 or b = 2'), ['a = 1 or b = 2'])
})
