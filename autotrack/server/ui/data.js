// Data of the server, kept by what asked for them. What was there stays on the screen while newer data come, and when
// they do not come.
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { get } from './api.js'

/**
 * @template T
 * @typedef {object} Data
 * @property {T | undefined} data the last that came
 * @property {import('./api.js').Failure | null} error why nothing newer came
 * @property {boolean} busy true while it is asked for
 */

/** @type {Map<string, Source<any>>} the sources of late, oldest first */
const kept = new Map()
const MOST = 60

/** One thing that is asked for. @template T */
class Source {
  /** @param {(signal: AbortSignal) => Promise<T>} load */
  constructor(load) {
    this.load = load
    this.state = signal(/** @type {Data<T>} */ ({ data: undefined, error: null, busy: false }))
    this.users = 0
    this.again = false
    this.stale = true
    this.control = new AbortController()
  }

  /** Somebody waits for it: it is asked for where it never came, or where newer data were broken off. */
  join() {
    this.users += 1
    if (this.stale) void this.reload()
  }

  /** Nobody waits for it any more: what is under way is broken off. */
  leave() {
    this.users -= 1
    if (this.users || !this.state.value.busy) return
    this.again = false
    this.stale = true
    this.control.abort()
  }

  /** Asks anew; a call while one is under way has it asked once more afterwards. */
  async reload() {
    if (this.state.value.busy) {
      this.again = true
      return
    }
    this.state.value = { ...this.state.value, busy: true }
    this.control = new AbortController()
    try {
      const data = await this.load(this.control.signal)
      this.stale = false
      this.state.value = { data, error: null, busy: false }
    } catch (error) {
      const failure = this.control.signal.aborted ? null : /** @type {any} */ (error)
      this.state.value = { ...this.state.value, error: failure, busy: false }
    }
    if (this.again) {
      this.again = false
      await this.reload()
    }
  }
}

/**
 * Data under a key: asked for when they are first needed, and again when `refresh` says that they have changed.
 * @template T
 * @param {string | null} key null: nothing is asked for
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {{keep?: boolean}} [options] `keep`: until the data of a new key are here, those of the former key are shown
 * @returns {Data<T> & {reload: () => void, former: boolean}} `former`: true where they are those of a former key
 */
export function useData(key, load, { keep = false } = {}) {
  const last = useRef(/** @type {T | undefined} */ (undefined))
  const source = key === null ? null : sourceOf(key, load)
  useEffect(() => {
    if (!source) return
    source.join()
    return () => source.leave()
  }, [source])
  const state = source ? source.state.value : { data: undefined, error: null, busy: false }
  if (state.data !== undefined) last.current = state.data
  const former = state.data === undefined && keep && last.current !== undefined
  const busy = state.busy || (source !== null && state.data === undefined && state.error === null)
  return { ...state, busy, data: former ? last.current : state.data, former, reload: () => void source?.reload() }
}

/**
 * The JSON that a path of the API answers with.
 * @param {string | null} path @param {import('./api.js').Query} [query] @param {{keep?: boolean}} [options]
 */
export function useJson(path, query = {}, options) {
  const key = path === null ? null : `${path}?${JSON.stringify(query)}`
  return useData(key, (signal) => get(/** @type {string} */ (path), query, signal), options)
}

/** @template T @param {string} key @param {(signal: AbortSignal) => Promise<T>} load @returns {Source<T>} */
function sourceOf(key, load) {
  let source = kept.get(key)
  if (!source) {
    kept.set(key, (source = new Source(load)))
    for (const [old, one] of kept) {
      if (kept.size <= MOST) break
      if (!one.users && old !== key) kept.delete(old)
    }
  }
  return source
}

/**
 * Has data asked for again: at once where they are on the screen, else when they are next needed.
 * @param {(key: string) => boolean} concerned
 */
export function refresh(concerned) {
  for (const [key, source] of kept) {
    if (!concerned(key)) continue
    if (source.users) void source.reload()
    else kept.delete(key)
  }
}
