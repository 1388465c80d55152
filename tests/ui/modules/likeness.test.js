import assert from 'node:assert/strict'
import { test } from 'node:test'
import { likeness } from '../../../autotrack/server/ui/likeness.js'

test('what begins so comes first, then words that do, then anything with the letters in order', () => {
  const names = ['sweep', 'my-sweep', 'unswept', 'some weekly report', 'churn']
  const found = names.map((name) => ({ name, like: likeness(name, 'swe') })).filter(({ like }) => like > 0)
  assert.deepEqual(found.sort((a, b) => b.like - a.like).map(({ name }) => name), ['sweep', 'my-sweep', 'unswept', 'some weekly report'])
  assert.ok(likeness('go to the models', 'models go') > 0)
  assert.equal(likeness('churn', 'models go'), 0)
})
