import assert from 'node:assert/strict'
import { test } from 'node:test'
import { laidOut } from '../../../autotrack/server/ui/screens/run/steps.js'

const step = (run, level, after = {}) => ({ run, name: run, status: 'FINISHED', level, after, reused: null })

test('steps stand in columns, beside what they took from, and no two in one place', () => {
  const { nodes, edges, width, height } = laidOut([
    step('load', 0),
    step('other', 0),
    step('b', 1, { other: ['y'] }),
    step('a', 1, { load: ['x'] }),
    step('train', 2, { a: ['x'], b: ['y'] }),
  ])
  const at = Object.fromEntries(nodes.map((node) => [node.step.run, node]))
  assert.ok(at.load.left < at.a.left && at.a.left < at.train.left)
  assert.ok(at.a.top < at.b.top, 'a took from the upper one')
  assert.equal(new Set(nodes.map(({ left, top }) => `${left} ${top}`)).size, 5)
  assert.deepEqual(edges.map(({ from, to }) => `${from} ${to}`), ['other b', 'load a', 'a train', 'b train'])
  assert.ok(nodes.every(({ left, top }) => left < width && top < height))
  assert.deepEqual(laidOut([]).nodes, [])
  assert.equal(laidOut([step('late', 1, { gone: ['z'] })]).edges.length, 0)
})
