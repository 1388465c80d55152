// Keys: a page says which it listens to while it is there. Single letters are left alone where text is typed.
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

/** @typedef {{keys: string, does: string, run: (event: KeyboardEvent) => void}} Key */

/** @type {import('@preact/signals').Signal<Key[][]>} what holds now: the innermost last */
export const bound = signal([])

/** False where the user has switched single letters off. */
export const letters = signal(read() !== 'off')

let started = ''
let startedAt = 0

/**
 * Listens to keys while the component is there. `keys` is a key (`j`, `Enter`, `Shift+x`, `Ctrl+k`) or two in a row (`g h`).
 * @param {Key[]} list
 */
export function useKeys(list) {
  const current = useRef(list)
  current.current = list
  useEffect(() => {
    const mine = list.map((key, index) => ({ ...key, run: (/** @type {KeyboardEvent} */ event) => current.current[index].run(event) }))
    bound.value = [...bound.value, mine]
    return () => void (bound.value = bound.value.filter((each) => each !== mine))
  }, [])
}

/** Begins to listen. */
export function listenToKeys() {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]')) return // a dialog has the keys to itself
    const name = nameOf(event)
    const plain = !name.includes('Ctrl+') && name !== 'Escape'
    if (plain && (isTyped(event.target) || (!letters.value && name.length === 1))) return
    if (/^(Shift\+)?(Enter| )$/.test(name) && isPressed(event.target)) return
    const two = Date.now() - startedAt < 1000 ? `${started} ${name}` : ''
    for (const list of [...bound.value].reverse()) {
      const key = list.find((each) => each.keys === two) ?? list.find((each) => each.keys === name)
      if (key) {
        event.preventDefault()
        started = ''
        return key.run(event)
      }
    }
    started = name
    startedAt = Date.now()
  })
}

/** @param {boolean} on */
export function setLetters(on) {
  letters.value = on
  try {
    localStorage.setItem('autotrack.letters', on ? 'on' : 'off')
  } catch {
    // Not kept: it holds for this page.
  }
}

/** @param {KeyboardEvent} event */
function nameOf(event) {
  const control = event.ctrlKey || event.metaKey ? 'Ctrl+' : ''
  const shift = event.shiftKey && (event.key.length > 1 || /[a-z]/i.test(event.key)) ? 'Shift+' : ''
  const alt = event.altKey ? 'Alt+' : ''
  return control + alt + shift + (event.key.length === 1 ? event.key.toLowerCase() : event.key)
}

/** @param {EventTarget | null} target */
function isTyped(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.getAttribute('type') !== 'checkbox')
}

/** True for what Enter and the space bar press. @param {EventTarget | null} target */
function isPressed(target) {
  return target instanceof Element && target.closest('button, a[href], summary, [role=option]') !== null
}

function read() {
  try {
    return localStorage.getItem('autotrack.letters')
  } catch {
    return null
  }
}
