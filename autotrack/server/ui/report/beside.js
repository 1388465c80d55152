// A comparison of all runs of a report as one of some of them, in another order.

/**
 * What `/compare` answers for some runs of a comparison.
 * @param {any} all the comparison with every row @param {number[]} places the runs that are wanted, the base first
 * @param {boolean} equal true: rows that are the same in all of them, too
 */
export function besides(all, places, equal) {
  return { ...all, runs: places.map((place) => all.runs[place]), blocks: all.blocks.map((/** @type {any} */ block) => blockOf(block, places, equal)) }
}

/** @param {any} block @param {number[]} places @param {boolean} equal */
function blockOf(block, places, equal) {
  const rows = block.rows.map((/** @type {any} */ row) => rowOf(row, places)).filter((/** @type {any} */ row) => row.values.some((/** @type {any} */ value) => value !== null))
  const shown = rows.filter((/** @type {any} */ row) => equal || !row.same)
  return { ...block, rows: shown, equal: rows.filter((/** @type {any} */ row) => row.same).length, hidden: rows.length - shown.length }
}

/** @param {any} row @param {number[]} places */
function rowOf(row, places) {
  const values = places.map((place) => row.values[place])
  const same = values.every((value) => value === values[0])
  return { ...row, values, same, delta: row.delta && !same ? deltas(row.delta, places) : null }
}

/** How much each is above the first one, from how much each is above another. @param {(number | null)[]} known @param {number[]} places */
function deltas(known, places) {
  const base = known[places[0]]
  if (base === null) return null
  return places.map((place) => (known[place] === null ? null : Number(known[place]) - base))
}
