// Notices at the foot of the page: what was done, with the way back for a while.
import { signal } from '@preact/signals'
import { html } from './html.js'

/** @typedef {{id: number, text: string, undo: (() => void) | null, bad: boolean}} Notice */

/** @type {import('@preact/signals').Signal<Notice[]>} */
const notices = signal([])
let next = 1

/** How long something can be undone here (ms). */
export const UNDO = 10_000

/**
 * Says something. @param {string} text
 * @param {{undo?: () => void, bad?: boolean}} [options] `undo`: what takes it back; `bad`: something went wrong
 */
export function notify(text, { undo, bad = false } = {}) {
  const id = next++
  notices.value = [...notices.value.slice(-3), { id, text, undo: undo ?? null, bad }]
  setTimeout(() => dismiss(id), undo || bad ? UNDO : 4000)
}

/**
 * Does something for the user and says how it went.
 * @param {() => Promise<any>} act @param {string} done @param {() => Promise<any>} [back] takes it back
 */
export async function attempt(act, done, back) {
  try {
    await act()
    notify(done, { undo: back && (() => void attempt(back, 'Undone')) })
    return true
  } catch (error) {
    notify(/** @type {Error} */ (error).message, { bad: true })
    return false
  }
}

/** @param {number} id */
function dismiss(id) {
  notices.value = notices.value.filter((each) => each.id !== id)
}

export function Notices() {
  return html`<div class="notices" role="status" aria-live="polite">
    ${notices.value.map(
      ({ id, text, undo, bad }) => html`<div key=${id} class=${bad ? 'notice bad' : 'notice'}>
        <span>${text}</span>
        ${undo && html`<button onClick=${() => (undo(), dismiss(id))}>Undo</button>`}
        <button class="quiet" aria-label="Dismiss" onClick=${() => dismiss(id)}>×</button>
      </div>`,
    )}
  </div>`
}
