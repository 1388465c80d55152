// The stream of changes. One connection a page, none while the page is hidden: a browser has six to a server in all.
import { signal } from '@preact/signals'

/** `on`, `off` (the page is hidden) or `lost` (it is tried again); `since`: when the last sign of life came (ms). */
export const live = signal({ state: 'off', since: Date.now() })

/**
 * `keys`: how many points the metrics have that got some; null: any may have. `reset`: anything may have changed.
 * @typedef {{runs: {id: string, status: string, keys?: Record<string, number> | null}[], reset: boolean}} Change
 */

/** @type {Set<(change: Change) => void>} */
const listeners = new Set()

/** Calls `listener` for each change; the function that comes back ends that. @param {(change: Change) => void} listener */
export function onChange(listener) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** @type {EventSource | null} */
let source = null
let last = ''
let waiting = 0
let missed = false

/** Begins to listen. */
export function listen() {
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()))
  if (!document.hidden) open()
}

function open() {
  if (source) return
  source = new EventSource(`/api/v1/changes${last ? '?since=' + encodeURIComponent(last) : ''}`)
  source.addEventListener('ready', heard)
  source.addEventListener('changed', (event) => {
    heard(event)
    const { runs } = JSON.parse(event.data)
    tell({ runs, reset: false })
  })
  source.addEventListener('reset', (event) => {
    heard(event)
    tell({ runs: [], reset: true })
  })
  source.onerror = () => {
    missed = true
    live.value = { state: 'lost', since: live.value.since }
    if (source?.readyState === EventSource.CLOSED) {
      close()
      clearTimeout(waiting)
      waiting = window.setTimeout(open, 2000)
    }
  }
}

function close() {
  source?.close()
  source = null
  if (document.hidden) live.value = { state: 'off', since: live.value.since }
}

/** @param {MessageEvent} event */
function heard(event) {
  if (event.lastEventId) last = event.lastEventId
  live.value = { state: 'on', since: Date.now() }
  if (missed) {
    missed = false
    tell({ runs: [], reset: true })
  }
}

/** @param {Change} change */
function tell(change) {
  for (const listener of listeners) listener(change)
}
