// JSON that is a table: a list of objects, or columns and rows as pandas and `mlflow.log_table` write them.
import { MOST } from './separated.js'

/** The heading and the first rows of what is a table; null where it is none. @param {any} value @returns {string[][] | null} */
export function tableOf(value) {
  if (Array.isArray(value)) return value.length && value.every(isRecord) ? ofRecords(value) : null
  if (!isRecord(value) || !Array.isArray(value.columns) || !Array.isArray(value.data) || !value.data.every(Array.isArray)) return null
  return [value.columns.map(text), ...value.data.slice(0, MOST).map((/** @type {any[]} */ row) => row.map(text))]
}

/** @param {any} value */
const isRecord = (value) => value !== null && typeof value === 'object' && !Array.isArray(value)

/** Columns in the order in which they first appear. @param {Record<string, any>[]} records */
function ofRecords(records) {
  const shown = records.slice(0, MOST)
  const keys = [...new Set(shown.flatMap(Object.keys))]
  return [keys, ...shown.map((record) => keys.map((key) => text(Object.hasOwn(record, key) ? record[key] : null)))]
}

/** @param {any} value */
const text = (value) => (value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value))
