// Texts as tables: comma- and tab-separated values by RFC 4180, JSON that is one.

/** The most rows that are shown. */
export const MOST = 1000

/** @param {string} text @param {string} separator @param {boolean} whole false: the last line is cut and left out @returns {string[][]} */
export function separated(text, separator, whole) {
  const rows = []
  let row = []
  let field = ''
  let quoted = false
  for (let at = 0; at < text.length && rows.length <= MOST; at += 1) {
    const sign = text[at]
    if (quoted) {
      if (sign === '"' && text[at + 1] === '"') {
        field += '"'
        at += 1
      } else if (sign === '"') quoted = false
      else field += sign
    } else if (sign === '"' && field === '') quoted = true
    else if (sign === separator) {
      row.push(field)
      field = ''
    } else if (sign === '\n') {
      row.push(field.replace(/\r$/, ''))
      rows.push(row)
      row = []
      field = ''
    } else field += sign
  }
  if (whole && (field || row.length) && rows.length <= MOST) rows.push([...row, field])
  return rows
}

/** Rows by a column: numbers by size, before text; what is missing last. @param {string[][]} rows @param {number} column @param {boolean} down */
export function sorted(rows, column, down) {
  const key = (/** @type {string[]} */ row) => {
    const text = row[column] ?? ''
    const value = Number(text)
    return text.trim() === '' ? { rank: 2, value: 0, text } : Number.isNaN(value) ? { rank: 1, value: 0, text } : { rank: 0, value, text }
  }
  return [...rows].sort((a, b) => {
    const [one, two] = [key(a), key(b)]
    if (one.rank === 2 || two.rank === 2) return one.rank - two.rank
    const order = one.rank - two.rank || one.value - two.value || (one.rank ? one.text.localeCompare(two.text) : 0)
    return down ? -order : order
  })
}

/**
 * JSON as a table with its heading, where it is one: pandas' `split` (`columns` and `data`), or a list of records alike.
 * @param {any} value @returns {string[][] | null}
 */
export function tabled(value) {
  const given = value?.dataframe_split ?? value
  if (Array.isArray(given?.columns) && Array.isArray(given?.data) && given.data.every(Array.isArray)) {
    return [given.columns.map(cell), ...given.data.slice(0, MOST + 1).map((/** @type {any[]} */ row) => row.map(cell))]
  }
  const plain = (/** @type {any} */ each) => each !== null && typeof each === 'object' && !Array.isArray(each)
  if (!Array.isArray(value) || value.length < 2 || !value.every(plain)) return null
  const keys = [...new Set(value.slice(0, MOST).flatMap((each) => Object.keys(each)))]
  if (keys.length > 200) return null
  return [keys, ...value.slice(0, MOST + 1).map((each) => keys.map((key) => (Object.hasOwn(each, key) ? cell(each[key]) : '')))]
}

/** @param {any} value */
const cell = (value) => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value))
