// Columns of a table of runs: their keys (`m.loss`, `p.lr`, `t.team`, `name`), what they are called, how values are shown.
import { age, duration, moment, NOTHING, number } from './format.js'

/** Keys in one text: commas between them, a key with a comma or a backtick in backticks. @param {string[]} keys */
export function joined(keys) {
  return keys.map((key) => (/[,`]/.test(key) ? `${key.slice(0, 2)}\`${key.slice(2).replaceAll('`', '``')}\`` : key)).join(',')
}

/** The keys of such a text. @param {string} text @returns {string[]} */
export function split(text) {
  const found = []
  const pattern = /\s*(-?[mpt]\.`((?:[^`]|``)*)`|[^,]+)\s*(?:,|$)/gy
  for (let match; pattern.lastIndex < text.length && (match = pattern.exec(text)); ) {
    const [, key, quoted] = match
    found.push(quoted === undefined ? key.trim() : key.slice(0, key.indexOf('`')) + quoted.replaceAll('``', '`'))
  }
  return found
}

/** @param {string} key */
export const isMetric = (key) => key.startsWith('m.')

/** @param {string} key */
export const isParam = (key) => key.startsWith('p.')

/** What stands at the head of a column. @param {string} key */
export function heading(key) {
  if (/^[mpt]\./.test(key)) return key.slice(2)
  return { start: 'age', commit: 'commit', user: 'user' }[key] ?? key
}

/** True where values stand to the right. @param {string} key @param {any} value */
export function isNumber(key, value) {
  return isMetric(key) || key === 'duration' || key === 'children' || (isParam(key) && value !== null && value !== '' && Number.isFinite(Number(value)))
}

/** A value as it is shown. @param {string} key @param {any} value @param {number} [now] */
export function shown(key, value, now) {
  if (value === null || value === undefined) return NOTHING
  if (isMetric(key)) return number(value)
  if (key === 'start' || key === 'end') return age(value, now)
  if (key === 'duration') return duration(value * 1000)
  if (key === 'commit') return String(value).slice(0, 8)
  if (isParam(key) && /^-?\d+\.\d{6,}(e-?\d+)?$/i.test(value)) return number(Number(value))
  return String(value)
}

/** The value in full, for the title of a cell. @param {string} key @param {any} value */
export function whole(key, value) {
  if (value === null || value === undefined) return ''
  return key === 'start' || key === 'end' ? moment(value) : String(value)
}

/** Pixels that a column takes at first. @param {string} key */
export function width(key) {
  if (key === 'name') return 220
  if (key === 'status') return 34
  if (key === 'start' || key === 'duration') return 96
  return Math.min(180, Math.max(84, heading(key).length * 7.2 + 34))
}

/** What a sort order says: `-m.loss,name`. @param {string} text @returns {{key: string, down: boolean}[]} */
export function sorting(text) {
  return split(text).map((each) => ({ key: each.replace(/^-/, ''), down: each.startsWith('-') }))
}

/**
 * The order after a click on a column: upwards (downwards where more is better), then the other way, then as at first.
 * @param {string} text @param {string} key @param {{further: boolean, best: 'min' | 'max' | null}} how `further`: as one more key
 */
export function sortedBy(text, key, { further, best }) {
  const old = sorting(text)
  const at = old.find((each) => each.key === key)
  const first = best === 'max' || key === 'start'
  const kept = further ? old.filter((each) => each.key !== key) : []
  const next = at === undefined ? [{ key, down: first }] : at.down === first ? [{ key, down: !first }] : []
  return joined([...kept, ...next].map((each) => (each.down ? '-' : '') + each.key))
}
