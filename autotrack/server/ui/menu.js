// A button with a list or a panel under it.
import { useEffect, useRef, useState } from 'preact/hooks'
import { html } from './html.js'

/**
 * @param {{label: any, title?: string, children: (close: () => void) => any, align?: 'left' | 'right', open?: boolean, onOpen?: (open: boolean) => void}} given
 * `open` and `onOpen`: where somebody else opens it, too (a key)
 */
export function Menu({ label, title, children, align = 'left', open, onOpen }) {
  const [own, setOwn] = useState(false)
  const shown = open ?? own
  const set = onOpen ?? setOwn
  const root = useRef(/** @type {HTMLElement | null} */ (null))
  useEffect(() => {
    if (!shown) return
    const leave = (/** @type {Event} */ event) => {
      if (event instanceof KeyboardEvent ? event.key === 'Escape' : !root.current?.contains(/** @type {Node} */ (event.target))) {
        set(false)
        if (event instanceof KeyboardEvent) {
          event.preventDefault() // so that Escape closes this and nothing else
          root.current?.querySelector('button')?.focus()
        }
      }
    }
    document.addEventListener('pointerdown', leave)
    document.addEventListener('keydown', leave)
    return () => {
      document.removeEventListener('pointerdown', leave)
      document.removeEventListener('keydown', leave)
    }
  }, [shown])
  return html`<span class="menu" ref=${root}>
    <button aria-expanded=${shown} title=${title} onClick=${() => set(!shown)}>${label}</button>
    ${shown && html`<div class=${`panel ${align}`}>${children(() => set(false))}</div>`}
  </span>`
}
