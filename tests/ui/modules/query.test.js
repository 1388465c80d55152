import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completed, completions, values } from '../../../autotrack/server/ui/query.js'

const known = { metrics: ['val_loss', 'train/loss', 'depth'], params: ['lr', 'depth', 'with blank'], tags: ['team'] }
const offered = (text) => completions(text, text.length, known)

test('names are offered where a name may stand, and nowhere else', () => {
  assert.deepEqual(offered('val'), ['val_loss'])
  assert.deepEqual(offered('val_loss < 0.3 and l').slice(0, 1), ['lr'])
  assert.deepEqual(offered('val_loss < l'), [])
  assert.deepEqual(offered('name = "l'), [])
  assert.deepEqual(offered('not (te'), ['t.team'])
})

test('a name that is not clear by itself is offered as it has to be written', () => {
  assert.deepEqual(offered('dep'), ['m.depth', 'p.depth'])
  assert.deepEqual(offered('train'), ['m.train/loss'])
  assert.ok(offered('blank').includes('p.`with blank`'))
})

test('a completion takes the place of the word, and what follows stays', () => {
  assert.equal(completed('val < 0.3', 3, 'val_loss'), 'val_loss  < 0.3')
})

test('values that a key has had are offered after a comparison, in quotes', () => {
  const seen = (key) => (key === 'optimizer' ? ['adam', 'adagrad', "o'clock"] : [])
  assert.deepEqual(values('val_loss < 0.3 and optimizer = ', 31, seen), ["'adam'", "'adagrad'", "'o''clock'"])
  assert.deepEqual(values('optimizer = "ada', 16, seen), ["'adam'", "'adagrad'"])
  assert.deepEqual(values('optimizer', 9, seen), [])
  assert.equal(completed('optimizer = "ada', 16, "'adam'"), "optimizer = 'adam' ")
})
