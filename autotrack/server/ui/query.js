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

/** The text with a completion put in. @param {string} text @param {number} caret @param {string} name */
export function completed(text, caret, name) {
  const here = wordAt(text, caret)
  return here ? `${text.slice(0, here.start)}${name} ${text.slice(caret)}` : text
}

/** @param {string} key */
const plain = (key) => /^[A-Za-z_]\w*$/.test(key)

/** @param {string} key */
const quoted = (key) => (/^[\w.\-/]+$/.test(key) ? key : `\`${key}\``)
