import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rows, WINDOW } from '../../../autotrack/server/ui/rows.js'

const table = (total) => async ({ offset, limit }) => {
  const ids = Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, index) => `r${offset + index}`)
  return { rev: 'a', total, rows: total, ids, cols: { name: ids, 'm.loss': ids.map((_, index) => offset + index) } }
}

test('any row can be reached, and only its window is fetched', async () => {
  const asked = []
  const rows = new Rows({}, (query) => (asked.push(query.offset), table(10_000)(query)))
  await rows.load(0)
  assert.equal(rows.at(9_999), null)
  await new Promise((done) => setTimeout(done))
  assert.equal(rows.at(9_999)?.id, 'r9999')
  assert.deepEqual(asked, [0, 9_800])
  assert.equal(rows.at(3), rows.at(3), 'a row that has not changed is the same object')
})

test('newer cells go into the rows that are here', async () => {
  const rows = new Rows({}, table(300))
  await rows.load(0)
  await rows.load(1)
  const before = rows.at(250)
  rows.patch({ ids: ['r250', 'r9999'], cols: { 'm.loss': [-1, 0] } })
  assert.equal(rows.at(250)?.cells['m.loss'], -1)
  assert.notEqual(rows.at(250), before)
  assert.deepEqual(rows.extent('m.loss'), { low: -1, high: 299 })
})

test('a window that fails is asked for again when the user says so, and the others stay', async () => {
  let fail = false
  const rows = new Rows({}, async (query) => {
    if (fail) throw new Error('away')
    return table(1_000)(query)
  })
  await rows.load(0)
  fail = true
  rows.at(WINDOW)
  await new Promise((done) => setTimeout(done))
  assert.match(rows.failure.message, /away/)
  assert.equal(rows.at(0)?.id, 'r0')
  fail = false
  assert.equal(rows.at(WINDOW), null)
  await new Promise((done) => setTimeout(done))
  assert.match(rows.failure.message, /away/, 'a page that is drawn again does not ask again and again')
  rows.view = { from: WINDOW, to: WINDOW + 20 }
  await rows.reload()
  assert.equal(rows.at(WINDOW)?.id, `r${WINDOW}`)
  assert.equal(rows.failure, null)
})

test('while runs are being written, windows do not chase each other out', async () => {
  let asked = 0
  const rows = new Rows({}, async (query) => ({ ...(await table(1_000)(query)), rev: String((asked += 1)) }))
  await rows.load(0)
  await rows.load(1)
  for (let draw = 0; draw < 5; draw += 1) {
    rows.at(WINDOW - 1)
    rows.at(WINDOW)
    await new Promise((done) => setTimeout(done))
  }
  assert.equal(asked, 2)
})

test('the best value is found once for a state of the rows', async () => {
  const rows = new Rows({}, table(300))
  await rows.load(0)
  assert.equal(rows.best('m.loss', 'min'), -1, 'not all rows are here')
  await rows.load(1)
  assert.equal(rows.best('m.loss', 'max'), 299)
  rows.patch({ ids: ['r7'], cols: { 'm.loss': [1e6] } })
  assert.equal(rows.best('m.loss', 'max'), 7)
})
