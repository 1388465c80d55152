// What can be completed while a filter is typed. Whether it is right, the server says.

/** The name that is being typed, and where it begins. @param {string} text @param {number} caret */
export function wordAt(text, caret) {
  const before = text.slice(0, caret)
  const quotes = (before.match(/"/g)?.length ?? 0) % 2 || (before.match(/'/g)?.length ?? 0) % 2
  if (quotes) return null
  const word = /[\w.\-/:`]*$/.exec(before)?.[0] ?? ''
  return { word, start: caret - word.length }
}

/** True where a name may stand: at the beginning, after a connective or a parenthesis. @param {string} before */
const takesName = (before) => /(^|\(|\band\b|\bor\b|\bnot\b)\s*$/i.test(before)

/**
 * Names that go on from what is typed, the likeliest first, eight at most.
 * @param {string} text @param {number} caret @param {{metrics?: string[], params?: string[], tags?: string[]}} known
 */
export function completions(text, caret, known) {
  const here = wordAt(text, caret)
  if (!here || !here.word || !takesName(text.slice(0, here.start))) return []
  const { metrics = [], params = [], tags = [] } = known
  const both = new Set(metrics.filter((key) => params.includes(key)))
  const names = [
    ...metrics.map((key) => (both.has(key) || !plain(key) ? `m.${quoted(key)}` : key)),
    ...params.map((key) => (both.has(key) || !plain(key) ? `p.${quoted(key)}` : key)),
    ...tags.map((key) => `t.${quoted(key)}`),
    'name', 'status', 'start', 'duration', 'user',
  ]
  const wanted = here.word.toLowerCase()
  const begins = names.filter((name) => name.toLowerCase().startsWith(wanted))
  const within = names.filter((name) => !begins.includes(name) && name.toLowerCase().includes(wanted))
  return [...new Set([...begins, ...within])].filter((name) => name !== here.word).slice(0, 8)
}

/**
 * The value that is being typed after `key =`: its key, what is there of it, and where it begins; null elsewhere.
 * @param {string} text @param {number} caret
 */
export function valueAt(text, caret) {
  const found = /(?:^|[\s(])((?:[mpt]\.)?(?:`[^`]+`|[A-Za-z_][\w.\-/]*))\s*(?:!=|==?)\s*(["']?)([^"']*)$/.exec(text.slice(0, caret))
  return found && { key: found[1].replaceAll('`', ''), word: found[3], start: caret - found[3].length - found[2].length }
}

/**
 * Values that a key has had and that go on from what is typed, in quotes, eight at most.
 * @param {string} text @param {number} caret @param {(key: string) => string[]} seen
 */
export function values(text, caret, seen) {
  const here = valueAt(text, caret)
  if (!here) return []
  const wanted = here.word.toLowerCase()
  return seen(here.key).filter((value) => value.toLowerCase().startsWith(wanted) && value !== here.word).slice(0, 8).map((value) => `'${value.replaceAll("'", "''")}'`)
}

/** The text with a completion put in. @param {string} text @param {number} caret @param {string} name */
export function completed(text, caret, name) {
  const start = /^'/.test(name) ? valueAt(text, caret)?.start : wordAt(text, caret)?.start
  return start === undefined ? text : `${text.slice(0, start)}${name} ${text.slice(caret)}`
}

/** @param {string} key */
const plain = (key) => /^[A-Za-z_]\w*$/.test(key)

/** @param {string} key */
const quoted = (key) => (/^[\w.\-/]+$/.test(key) ? key : `\`${key}\``)
