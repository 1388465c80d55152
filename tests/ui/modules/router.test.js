import assert from 'node:assert/strict'
import { test } from 'node:test'
import { link, parse, path } from '../../../autotrack/server/ui/router.js'

test('addresses are parsed into a screen and its variables', () => {
  assert.equal(parse('/').screen, 'home')
  assert.deepEqual(parse('/e/my%20sweep?sort=-m.loss').path, { experiment: 'my sweep' })
  assert.equal(parse('/e/x?where=a%3D1&b=%26').query.get('b'), '&')
  assert.deepEqual(parse('/r/ab/artifacts/plots/a%2Fb/c.png').path, { run: 'ab', tab: 'artifacts', rest: 'plots/a/b/c.png' })
  assert.deepEqual(parse('/models/churn/@champion').path, { name: 'churn', rest: '@champion' })
  assert.equal(parse('/nowhere/at/all').screen, 'lost')
})

test('an address that is made is parsed into what it was made of', () => {
  const names = ['plain', 'with blank', 'a?b#c&d=e', 'ünï/çode', '100%', '../..', '<img src=x>', '%2e']
  for (const name of names) {
    const query = { where: `${name} < 1`, cols: 'm.val/loss,p.lr' }
    const place = parse(link(path('e', name), query))
    assert.equal(place.path.experiment, name)
    assert.equal(place.query.get('where'), query.where)
    assert.equal(place.query.get('cols'), query.cols)
  }
})

test('what is empty is left out of an address', () => {
  assert.equal(link('/e/x', { a: null, b: undefined, c: '', d: 0 }), '/e/x?d=0')
})
