// A run's tags as chips: one can be added or taken away, and that can be undone.
import { useState } from 'preact/hooks'
import { send } from '../../api.js'
import { refresh } from '../../data.js'
import { html } from '../../html.js'
import { attempt } from '../../notice.js'

/** @param {{run: any, hidden: string}} given `hidden`: the key of the notes, which are shown elsewhere */
export function Tags({ run, hidden }) {
  const [adding, setAdding] = useState(false)
  const tags = /** @type {Record<string, string>} */ (run.tags ?? {})
  const shown = Object.entries(tags).filter(([key]) => key !== hidden)
  const change = async (/** @type {Record<string, string>} */ set, /** @type {string[]} */ unset) => {
    await send('POST', '/runs/tags', { ids: [run.id], set, remove: unset })
    refresh((key) => key.startsWith('/runs/'))
  }
  const put = (/** @type {string} */ key, /** @type {string | undefined} */ value) => (value === undefined ? change({}, [key]) : change({ [key]: value }, []))
  const remove = (/** @type {string} */ key) => attempt(() => put(key, undefined), `Tag ${key} taken away`, () => put(key, tags[key]))
  const add = async (/** @type {any} */ event) => {
    event.preventDefault()
    const [key, ...rest] = event.target.elements.tag.value.split(/[:=]/)
    if (key.trim()) await attempt(() => put(key.trim(), rest.join(':').trim()), `Tag ${key.trim()} set`, () => put(key.trim(), tags[key.trim()]))
    setAdding(false)
  }
  return html`<section class="card"><h2>Tags <button class="quiet" onClick=${() => setAdding(!adding)}>Add</button></h2>
    ${adding && html`<form onSubmit=${add}><input name="tag" aria-label="tag" placeholder="key: value" autofocus /> <button>Set</button></form>`}
    ${shown.length > 0 && html`<p class="tags">${shown.map(([key, value]) => html`<span key=${key} class="chip" title=${`${key}: ${value}`}><span class="text">${value ? `${key}: ${value}` : key}</span><button class="quiet" aria-label=${`take away the tag ${key}`} onClick=${() => remove(key)}>×</button></span>`)}</p>`}
  </section>`
}
