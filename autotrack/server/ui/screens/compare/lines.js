// A unified diff as two columns.

/** @typedef {{number: string, text: string, kind: string}} Side */
/** @typedef {{kind: string, left: Side, right: Side}} Pair */

/** @type {Side} */
const NONE = { number: '', text: '', kind: 'none' }

/** Lines that were changed stand beside those that they became. @param {string[]} lines @returns {Pair[]} */
export function paired(lines) {
  /** @type {Pair[]} */
  const pairs = []
  /** @type {Side[]} */
  let gone = []
  /** @type {Side[]} */
  let come = []
  let left = 1
  let right = 1
  const flush = () => {
    for (let index = 0; index < Math.max(gone.length, come.length); index += 1) pairs.push({ kind: 'changed', left: gone[index] ?? NONE, right: come[index] ?? NONE })
    gone = []
    come = []
  }
  for (const line of lines) {
    const at = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line)
    if (at) {
      flush()
      left = Number(at[1])
      right = Number(at[2])
      pairs.push({ kind: 'at', left: { ...NONE, text: line }, right: NONE })
    } else if (line.startsWith('-')) gone.push({ number: String(left++), text: line.slice(1), kind: 'gone' })
    else if (line.startsWith('+')) come.push({ number: String(right++), text: line.slice(1), kind: 'come' })
    else if (!line.startsWith('\\')) {
      flush()
      const text = line.slice(1)
      pairs.push({ kind: 'context', left: { number: String(left++), text, kind: '' }, right: { number: String(right++), text, kind: '' } })
    }
  }
  flush()
  return pairs
}
