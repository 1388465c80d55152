import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MOST, separated, sorted, tabled } from '../../../autotrack/server/ui/screens/run/separated.js'

test('a comma within quotes separates nothing', () => {
  assert.deepEqual(separated('a,b\n"1,5","say ""x"""\r\n2,', ',', true), [['a', 'b'], ['1,5', 'say "x"'], ['2', '']])
  assert.deepEqual(separated('a\tb\n1\t2\ncut', '\t', false), [['a', 'b'], ['1', '2']])
})

test('numbers are sorted by size, and what is missing comes last either way', () => {
  const rows = [['10'], [''], ['9'], ['x']]
  assert.deepEqual(sorted(rows, 0, false).flat(), ['9', '10', 'x', ''])
  assert.deepEqual(sorted(rows, 0, true).flat(), ['x', '10', '9', ''])
})

test('JSON is a table where it is records, or columns and rows', () => {
  assert.deepEqual(tabled([{ a: 1 }, { b: 'x', a: null }]), [['a', 'b'], ['1', ''], ['', 'x']])
  assert.deepEqual(tabled({ columns: ['a'], data: [[{ deep: 1 }]] }), [['a'], ['{"deep":1}']])
  assert.deepEqual(tabled({ dataframe_split: { columns: ['a'], data: [[2]] } }), [['a'], ['2']])
  for (const no of [null, 3, 'x', [], [{ a: 1 }], [1, 2], { columns: ['a'] }, { columns: ['a'], data: [1] }]) assert.equal(tabled(no), null)
  assert.deepEqual(tabled([{ constructor: 1 }, {}]), [['constructor'], ['1'], ['']])
  assert.equal(tabled(Array.from({ length: 5000 }, (_, n) => ({ n })))?.length, MOST + 2)
})
