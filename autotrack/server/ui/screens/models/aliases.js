// Aliases as chips: by their menu, or dragged, they move to another version, once one has said yes.
import { useEffect, useRef, useState } from 'preact/hooks'
import { Dialog } from '../../dialog.js'
import { html } from '../../html.js'
import { Menu } from '../../menu.js'
import { navigate } from '../../router.js'
import { modelPath, move } from './registry.js'

/** @typedef {{alias: string, from: number | null, to: number | null}} Wanted */

/** @param {{name: string, alias: string, at: number, versions: any[], want: (wanted: Wanted) => void}} given */
export function AliasChip({ name, alias, at, versions, want }) {
  const start = (/** @type {DragEvent} */ event) => event.dataTransfer?.setData('text/plain', alias)
  return html`<span class="alias-chip" data-alias=${alias} draggable="true" onDragStart=${start}><${Menu} label=${`@${alias}`} title=${`@${alias}: move or take away`}>${(/** @type {() => void} */ close) => html`<div class="choices" onClick=${close}>
    ${versions.filter((each) => each.version !== at).slice(0, 50).map((each) => html`<button key=${each.version} onClick=${() => want({ alias, from: at, to: each.version })}>Move to v${each.version}</button>`)}
    <button onClick=${() => navigate(modelPath(name, `@${alias}`))}>Open</button>
    <button onClick=${() => want({ alias, from: at, to: null })}>Take away</button>
  </div>`}<//></span>`
}

/** @param {{version: number, aliases: Record<string, number>, want: (wanted: Wanted) => void}} given */
export function NewAlias({ version, aliases, want }) {
  const [text, setText] = useState('')
  const go = (/** @type {Event} */ event, /** @type {() => void} */ close) => {
    event.preventDefault()
    const alias = text.trim().replace(/^@/, '')
    if (!alias) return
    close()
    setText('')
    want({ alias, from: aliases[alias] ?? null, to: version })
  }
  return html`<${Menu} label="+" title=${`Another alias for v${version}`}>${(/** @type {() => void} */ close) => html`<form class="new-alias" onSubmit=${(/** @type {Event} */ event) => go(event, close)}>
    <label>alias <input required pattern="@?[\\w-]+" maxlength="255" value=${text} onInput=${(/** @type {any} */ event) => setText(event.target.value)} /></label><button>Give</button></form>`}<//>`
}

/** Asks once, then moves. @param {{name: string, wanted: Wanted, close: () => void}} given */
export function AliasMoving({ name, wanted, close }) {
  const { alias, from, to } = wanted
  const yes = useRef(/** @type {HTMLButtonElement | null} */ (null))
  useEffect(() => yes.current?.focus(), [])
  const question = to === null ? `Take @${alias} away from v${from}?` : from === null ? `Give @${alias} to v${to}?` : `Move @${alias} from v${from} to v${to}?`
  const act = () => {
    close()
    void move(name, alias, from, to)
  }
  return html`<${Dialog} title=${question} close=${close}>
    <p class="muted">Whoever loads <code>models:/${name}@${alias}</code> gets ${to === null ? 'an error' : `v${to}`} from then on. It can be undone.</p>
    <p class="answers"><button class="main" ref=${yes} onClick=${act}>${to === null ? 'Take away' : from === null ? 'Give' : 'Move'}</button> <button onClick=${close}>Cancel</button></p>
  <//>`
}
