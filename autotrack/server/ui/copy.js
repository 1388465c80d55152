// Text that one click puts on the clipboard.
import { useState } from 'preact/hooks'
import { html } from './html.js'

/** A line as it would be typed, with its button. @param {{text: string, label?: string}} given */
export function Copied({ text, label = text }) {
  return html`<span class="copied"><code>${label}</code><${CopyButton} text=${text} /></span>`
}

/** @param {{text: string, children?: any, title?: string}} given */
export function CopyButton({ text, children = 'Copy', title = 'Copy to the clipboard' }) {
  const [done, setDone] = useState(false)
  const copy = async () => {
    await toClipboard(text)
    setDone(true)
    setTimeout(() => setDone(false), 1500)
  }
  return html`<button class="copy" title=${title} onClick=${copy}>${done ? 'Copied' : children}</button>`
}

/** @param {string} text */
export async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    // No permission, or no HTTPS: the way that works everywhere.
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    document.execCommand('copy')
    area.remove()
  }
}
