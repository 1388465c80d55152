// The signature in an MLmodel file: two JSON texts in a little YAML.

/** @typedef {{name: string, type: string, shape?: string, required: boolean}} Field */

/** @param {string} described the text of MLmodel @returns {{inputs: Field[], outputs: Field[]}} */
export function fields(described) {
  return { inputs: of(described, 'inputs'), outputs: of(described, 'outputs') }
}

/** @param {string} text @param {string} what @returns {Field[]} */
function of(text, what) {
  const lines = text.split('\n')
  const at = lines.findIndex((line) => new RegExp(`^\\s+${what}:`).test(line))
  if (at < 0) return []
  let value = lines[at].replace(new RegExp(`^\\s+${what}:\\s*`), '')
  const indent = (/** @type {string} */ line) => /^\s*/.exec(line)?.[0].length ?? 0
  for (let next = at + 1; next < lines.length && indent(lines[next]) > indent(lines[at]); next += 1) value += ` ${lines[next].trim()}`
  const quote = value.trim()[0]
  const json = quote === "'" ? value.trim().slice(1, -1).replaceAll("''", "'") : quote === '"' ? unquoted(value.trim()) : value
  try {
    return JSON.parse(json).map((/** @type {any} */ each, /** @type {number} */ index) => field(each, index))
  } catch {
    return []
  }
}

/** @param {string} text */
function unquoted(text) {
  try {
    return JSON.parse(text.replace(/\\\s+/g, ''))
  } catch {
    return ''
  }
}

/** @param {any} each @param {number} index @returns {Field} */
function field(each, index) {
  const tensor = each['tensor-spec']
  const type = tensor ? tensor.dtype : typeof each.type === 'string' ? each.type : JSON.stringify(each.type)
  return { name: each.name ?? `${index}`, type, shape: tensor ? JSON.stringify(tensor.shape) : undefined, required: each.required !== false }
}
