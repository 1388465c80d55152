// A dialog: the browser's own, so that focus, Escape and what lies under it are as they should be.
import { useLayoutEffect, useRef } from 'preact/hooks'
import { html } from './html.js'

/** @param {{title: string, close: () => void, children: any, wide?: boolean}} given */
export function Dialog({ title, close, children, wide = false }) {
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null))
  useLayoutEffect(() => {
    element.current?.showModal()
    return () => element.current?.close()
  }, [])
  const outside = (/** @type {MouseEvent} */ event) => event.target === element.current && close()
  return html`<dialog ref=${element} class=${wide ? 'wide' : ''} aria-label=${title} onClose=${close} onClick=${outside}>
    <header><h2>${title}</h2><button class="quiet" aria-label="Close" onClick=${close}>×</button></header>
    ${children}
  </dialog>`
}
