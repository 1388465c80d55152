// Rows of a table of any length: windows of it, fetched when they come into view.
import { signal } from '@preact/signals'

export const WINDOW = 200

/** @typedef {{id: string, depth: number, cells: Record<string, any>}} Row */
/** @typedef {(query: import('./api.js').Query) => Promise<any>} Fetch asks `/table` */

export class Rows {
  /** @param {import('./api.js').Query} query everything but `offset` and `limit` @param {Fetch} fetch */
  constructor(query, fetch) {
    this.query = query
    this.fetch = fetch
    /** @type {Map<number, any>} windows by number; null where one is under way */
    this.windows = new Map()
    /** Grows whenever something has come. */
    this.version = signal(0)
    this.total = 0
    this.length = 0
    /** @type {any} what the server chose */
    this.chosen = null
    /** @type {any} */
    this.failure = null
    /** @type {any[]} names in the filter that no run has */
    this.unknown = []
    this.ready = false
    this.rev = ''
  }

  /** The rows, for a component that is to be drawn again when some have come. */
  get now() {
    void this.version.value // reading it is what makes the component one that is drawn again
    return this
  }

  /** The row at an index; null where it has not come yet (it is asked for). @param {number} index @returns {Row | null} */
  at(index) {
    const window = this.windows.get(Math.floor(index / WINDOW))
    if (!window) {
      if (window === undefined) void this.load(Math.floor(index / WINDOW))
      return null
    }
    return rowOf(window, index % WINDOW)
  }

  /** Fetches a window. @param {number} number */
  async load(number) {
    if (this.windows.get(number) === null) return
    const former = this.windows.get(number)
    if (!former) this.windows.set(number, null)
    try {
      this.take(number, await this.fetch({ ...this.query, offset: number * WINDOW, limit: WINDOW }))
    } catch (error) {
      if (!former) this.windows.delete(number)
      this.failure = error
    }
    this.version.value += 1
  }

  /** @param {number} number @param {any} answer */
  take(number, answer) {
    if (this.rev && answer.rev !== this.rev && this.ready) for (const other of [...this.windows.keys()]) if (other !== number) this.windows.delete(other)
    this.rev = answer.rev
    this.windows.set(number, answer)
    this.total = answer.total
    this.length = answer.rows
    this.chosen = answer.chosen ?? this.chosen
    this.unknown = answer.unknown ?? []
    this.failure = null
    this.ready = true
  }

  /** Fetches again what is there, those rows first that are looked at. @param {number} from @param {number} to indexes */
  async reload(from, to) {
    const seen = new Set([Math.floor(from / WINDOW), Math.floor(Math.max(from, to - 1) / WINDOW)])
    for (const number of [...this.windows.keys()]) if (!seen.has(number)) this.windows.delete(number)
    await Promise.all([...seen].map((number) => this.load(number)))
  }

  /** Puts newer cells into rows that are here, in place. @param {any} answer of `/table?ids=` */
  patch(answer) {
    const places = new Map(answer.ids.map((/** @type {string} */ id, /** @type {number} */ index) => [id, index]))
    for (const window of this.windows.values()) {
      window?.ids.forEach((/** @type {string} */ id, /** @type {number} */ index) => {
        const place = places.get(id)
        if (place === undefined) return
        for (const [key, values] of Object.entries(answer.cols)) if (window.cols[key]) window.cols[key][index] = values[place]
      })
    }
    this.version.value += 1
  }

  /** The ids that are here, of the rows of an interval, in order. @param {number} from @param {number} to exclusive */
  ids(from = 0, to = this.length) {
    const found = []
    for (let index = from; index < to; index += 1) {
      const window = this.windows.get(Math.floor(index / WINDOW))
      if (window) found.push(window.ids[index % WINDOW])
    }
    return found
  }

  /** The least and the greatest finite value of a column among the rows that are here; null where there is none. @param {string} key */
  extent(key) {
    let low = Infinity
    let high = -Infinity
    for (const window of this.windows.values()) {
      for (const value of window?.cols[key] ?? []) {
        if (typeof value !== 'number') continue
        if (value < low) low = value
        if (value > high) high = value
      }
    }
    return low <= high ? { low, high } : null
  }
}

/** @param {any} window @param {number} index @returns {Row | null} */
function rowOf(window, index) {
  const id = window.ids[index]
  if (id === undefined) return null
  window.rows_made ??= []
  const made = window.rows_made[index]
  /** @type {Record<string, any>} */
  const cells = {}
  for (const key of Object.keys(window.cols)) cells[key] = window.cols[key][index]
  if (made && Object.keys(cells).every((key) => Object.is(made.cells[key], cells[key]))) return made
  return (window.rows_made[index] = { id, depth: window.depth?.[index] ?? 0, cells })
}
