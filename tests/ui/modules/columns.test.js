import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joined, shown, sortedBy, sorting, split } from '../../../autotrack/server/ui/columns.js'

test('keys with commas and backticks survive the address', () => {
  for (const keys of [['m.loss', 'p.lr'], ['m.a,b', 'name'], ['p.a`b', 't.x,`y', 'start'], ['m.loss']]) assert.deepEqual(split(joined(keys)), keys)
  assert.deepEqual(split(''), [])
})

test('clicks on a heading sort by what is better first, then the other way, then not', () => {
  const best = /** @type {const} */ ({ further: false, best: 'max' })
  let order = sortedBy('', 'm.acc', best)
  assert.equal(order, '-m.acc')
  order = sortedBy(order, 'm.acc', best)
  assert.equal(order, 'm.acc')
  assert.equal(sortedBy(order, 'm.acc', best), '')
  assert.equal(sortedBy('m.loss', 'name', { further: true, best: null }), 'm.loss,name')
  assert.deepEqual(sorting('-m.loss,name'), [{ key: 'm.loss', down: true }, { key: 'name', down: false }])
})

test('what is missing is never a nought, and a param stays as it was written', () => {
  assert.equal(shown('m.loss', null), '–')
  assert.equal(shown('m.loss', 'NaN'), 'NaN')
  assert.equal(shown('p.lr', '0.10'), '0.10')
  assert.equal(shown('p.lr', '0.30000000000000004'), '0.3')
})
