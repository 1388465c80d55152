// What a comparison says, in numbers and words, without drawing anything.
import { csv } from '../../export.js'
import { NOTHING, number } from '../../format.js'

/** The beginning of a run's id that addresses have. @param {string} id */
export const shortOf = (id) => id.slice(0, 12)

/** How many rows are not shown because they are equal. @param {any[]} blocks */
export const hiddenRows = (blocks) => blocks.reduce((sum, block) => sum + block.hidden, 0)

/** The list with one member put where another one stands. @param {string[]} list @param {string} what @param {string} at */
export function moved(list, what, at) {
  const to = list.indexOf(at)
  const rest = list.filter((each) => each !== what)
  return [...rest.slice(0, to), what, ...rest.slice(to)]
}

/** What a row is called. @param {string} block @param {string} key */
export function rowName(block, key) {
  if (block === 'result') return { kind: '', name: key.replace(/^m\./, '') }
  const found = block === 'environment' || block === 'data' ? /^(package|file|seeds) (.*)$/s.exec(key) : null
  return found ? { kind: found[1] === 'seeds' ? 'seed' : found[1], name: found[2] } : { kind: '', name: key }
}

/** How a thing went from one run to the other: `added`, `removed`, `changed` or nothing. @param {any} from @param {any} to */
export function turn(from, to) {
  if (from === to) return ''
  return from === null ? 'added' : to === null ? 'removed' : 'changed'
}

/**
 * How much a number is above the base's, as text: `+0.02 (+4.1 %)`; '' where there is nothing to say.
 * @param {any} row @param {number} index
 */
export function deltaText(row, index) {
  const delta = row.delta?.[index]
  if (!index || delta === null || delta === undefined || delta === 0) return ''
  const base = Number(row.values[0])
  const share = base ? Math.abs(delta / base) : Infinity
  const percent = share < 10 && share >= 0.0005 ? ` (${sign(delta / Math.abs(base))}${number(share * 100, 2)} %)` : ''
  return `${sign(delta)}${number(Math.abs(delta), 3)}${percent}`
}

/** @param {number} value */
const sign = (value) => (value < 0 ? '−' : '+')

/** `good`, `bad` or '', from what is better of a metric. @param {any} row @param {number} index */
export function direction(row, index) {
  const delta = row.delta?.[index]
  if (!index || !delta || !row.goal) return ''
  return delta > 0 === (row.goal === 'max') ? 'good' : 'bad'
}

/** @param {any} row @param {any} value */
export function valueText(row, value) {
  if (value === null || value === undefined) return NOTHING
  if (typeof value === 'number' || row.goal || row.key.startsWith('m.')) return number(value)
  return String(value)
}

/** Every row that is shown, as a file. @param {any[]} runs @param {any[]} blocks */
export function asCsv(runs, blocks) {
  const lines = blocks.flatMap((block) => block.rows.map((/** @type {any} */ row) => [block.name, row.key, ...row.values]))
  return csv([['block', 'key', ...runs.map((run) => `${run.name} (${run.id})`)], ...lines])
}
