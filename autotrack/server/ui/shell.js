// Lines for a shell: words quoted where they have to be, and requests to a served model.

/** A word as a shell takes it. @param {string} word */
export const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** Characters of a request above which the file is sent as it is. */
const LONG = 1000

/** The line that asks a served model about its own example, of many rows the first. @param {string} example JSON, as `autotrack serve` takes it */
export function asking(example) {
  let body = ''
  try {
    body = JSON.stringify(first(JSON.parse(example)))
  } catch {
    // No JSON: the file is sent as it is, and the server says what is wrong with it.
  }
  return `curl -s localhost:5001/invocations -H 'content-type: application/json' -d ${body && body.length <= LONG ? quoted(body) : '@serving_input_example.json'}`
}

/** @param {any} request */
function first(request) {
  const cut = (/** @type {any} */ rows) => (Array.isArray(rows) ? rows.slice(0, 1) : rows)
  const { dataframe_split: split, dataframe_records: records, instances, inputs } = request
  if (split) return { dataframe_split: { columns: split.columns, data: cut(split.data) } }
  if (records) return { dataframe_records: cut(records) }
  if (instances) return { instances: cut(instances) }
  if (inputs && !Array.isArray(inputs)) return { inputs: Object.fromEntries(Object.entries(inputs).map(([name, rows]) => [name, cut(rows)])) }
  return inputs ? { inputs: cut(inputs) } : request
}
