// Conditions of the filter, made from what is clicked at.

/** Attributes of runs that a filter can ask about as they are shown. */
const ATTRIBUTES = new Set(['name', 'status', 'user', 'parent', 'session', 'error'])

/** A key as a filter takes it. @param {string} key */
export function named(key) {
  return /^[mpt]\./.test(key) && !/^[mpt]\.[A-Za-z_][\w.\-/]*$/.test(key) ? `${key.slice(0, 2)}\`${key.slice(2).replaceAll('`', '``')}\`` : key
}

/** True where a filter can ask for a value of a column. @param {string} key */
export const isAsked = (key) => /^[mpt]\../.test(key) || ATTRIBUTES.has(key)

/**
 * What is true of runs with a value (`not`: with another one, or none).
 * @param {string} key @param {any} value null: of those that have none @param {boolean} [not]
 */
export function condition(key, value, not = false) {
  const name = named(key)
  if (value === null || value === undefined) return `${name} is ${not ? 'not ' : ''}null`
  const own = `${name} = ${key.startsWith('m.') && typeof value === 'number' ? value : `'${String(value).replaceAll("'", "''")}'`}`
  return not ? `not ${own}` : own
}

/** A filter that asks for one more thing. @param {string} where @param {string} more */
export function both(where, more) {
  const words = where.trim()
  if (!words) return more
  const plain = !/[<>=!]|\b(is|in|like|ilike)\b/i.test(words)
  const former = plain ? words.split(/\s+/).map((word) => `name ILIKE '%${word.replaceAll("'", "''")}%'`).join(' and ') : /\bor\b/i.test(words) ? `(${words})` : words
  return `${former} and ${more}`
}

/**
 * The conditions that a filter joins by `and` at its top, in order; where it is one, itself.
 * @param {string} where
 */
export function parts(where) {
  const found = []
  let depth = 0
  let quote = ''
  let start = 0
  for (let at = 0; at < where.length; at += 1) {
    const sign = where[at]
    if (quote) quote = sign === quote ? '' : quote
    else if (/["'`]/.test(sign)) quote = sign
    else if (sign === '(') depth += 1
    else if (sign === ')') depth -= 1
    else if (!depth && /^\sand\s/i.test(where.slice(at, at + 5))) {
      found.push(where.slice(start, at).trim())
      start = at + 5
    } else if (!depth && /^\sor\s/i.test(where.slice(at, at + 4))) return [where.trim()]
  }
  return [...found, where.slice(start).trim()].filter(Boolean)
}
