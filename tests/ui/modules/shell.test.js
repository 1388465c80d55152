import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { asking, quoted } from '../../../autotrack/server/ui/shell.js'

const words = (line) => JSON.parse(execFileSync('sh', ['-c', `node -e 'console.log(JSON.stringify(process.argv.slice(1)))' -- ${line}`], { encoding: 'utf8' }))

test('a shell reads the word that was meant', () => {
  const hard = ['train.py', '--lr=0.1', "it's", '$HOME', 'a b', '`id`', '*', '"', '\\', 'a\nb', '']
  assert.deepEqual(words(hard.map(quoted).join(' ')), hard)
  assert.equal(quoted('--lr=0.1'), '--lr=0.1')
})

test('a served model is asked about the first row of its example', () => {
  const sent = (example) => JSON.parse(words(asking(JSON.stringify(example))).at(-1))
  assert.deepEqual(sent({ dataframe_split: { index: [0, 1], columns: ["it's"], data: [[1], [2]] } }), { dataframe_split: { columns: ["it's"], data: [[1]] } })
  assert.deepEqual(sent({ dataframe_records: [{ a: 1 }, { a: 2 }] }), { dataframe_records: [{ a: 1 }] })
  assert.deepEqual(sent({ instances: [[1, 2], [3, 4]] }), { instances: [[1, 2]] })
  assert.deepEqual(sent({ inputs: { a: [1, 2], b: [3, 4] } }), { inputs: { a: [1], b: [3] } })
  assert.deepEqual(sent({ inputs: [[1], [2]] }), { inputs: [[1]] })
  assert.ok(asking(JSON.stringify({ instances: [Array(2000).fill(0)] })).endsWith(' -d @serving_input_example.json'))
  assert.ok(asking('no JSON').endsWith(' -d @serving_input_example.json'))
})
