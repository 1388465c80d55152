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
    /** Windows that are shown, but are older than others; each is asked for again when it is looked at. @type {Set<number>} */
    this.stale = new Set()
    /** Windows that did not come. They are not asked for again by themselves. @type {Set<number>} */
    this.failed = new Set()
    /** The rows that are looked at. */
    this.view = { from: 0, to: 1 }
    /** @type {{version: number, key: string, index: number} | null} */
    this.top = null
  }

  /** The rows, for a component that is to be drawn again when some have come. */
  get now() {
    void this.version.value // reading it is what makes the component one that is drawn again
    return this
  }

  /** The row at an index; null where it has not come yet (it is asked for). @param {number} index @returns {Row | null} */
  at(index) {
    const number = Math.floor(index / WINDOW)
    const window = this.windows.get(number)
    if ((window === undefined && !this.failed.has(number)) || (window && this.stale.delete(number))) void this.load(number)
    return window ? rowOf(window, index % WINDOW) : null
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
      this.failed.add(number)
      this.failure = error
    }
    this.version.value += 1
  }

  /** @param {number} number @param {any} answer */
  take(number, answer) {
    // Only where rows have come or gone do others stand elsewhere now; new values come by the stream of changes.
    if (this.ready && answer.rev !== this.rev && answer.rows !== this.length) for (const other of this.windows.keys()) if (other !== number) this.stale.add(other)
    this.rev = answer.rev
    this.windows.set(number, answer)
    this.failed.delete(number)
    this.stale.delete(number)
    this.total = answer.total
    this.length = answer.rows
    this.chosen = answer.chosen ?? this.chosen
    this.unknown = answer.unknown ?? []
    this.failure = null
    this.ready = true
  }

  /** Fetches again the rows that are looked at, and the others when they are. */
  async reload() {
    const { from, to } = this.view
    const seen = new Set([Math.floor(from / WINDOW), Math.floor(Math.max(from, to - 1) / WINDOW)])
    for (const number of this.windows.keys()) if (!seen.has(number)) this.stale.add(number)
    this.failed.clear()
    await Promise.all([...seen].map((number) => this.load(number)))
  }

  /** The index of the best value of a column; -1 where none is, or where not all rows are here. @param {string} key @param {string} goal `min` or `max` */
  best(key, goal) {
    if (this.top?.version === this.version.value && this.top.key === key) return this.top.index
    let index = -1
    if (this.windows.size * WINDOW >= this.length) {
      let than = 0
      for (const [number, window] of this.windows) {
        window?.cols[key]?.forEach((/** @type {any} */ value, /** @type {number} */ place) => {
          if (typeof value !== 'number' || (index >= 0 && !(goal === 'max' ? value > than : value < than))) return
          than = value
          index = number * WINDOW + place
        })
      }
    }
    this.top = { version: this.version.value, key, index }
    return index
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

  /** The different values of a text column among the rows that are here, in order. @param {string} key */
  values(key) {
    const found = new Set()
    for (const window of this.windows.values()) for (const value of window?.cols[key] ?? []) if (typeof value === 'string') found.add(value)
    return [...found].sort()
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
