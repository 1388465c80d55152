// Ctrl+K: experiments, runs, models and what can be done here, by a few letters of what they are called.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { get } from './api.js'
import { Dialog } from './dialog.js'
import { likeness } from './likeness.js'
import { html } from './html.js'
import { bound } from './keys.js'
import { navigate, path } from './router.js'

/** @typedef {{kind: string, text: string, more?: string, go: () => void}} Find */

const MOST = 12
const PAUSE = 120

/** @param {{close: () => void}} given */
export function Finder({ close }) {
  const [words, setWords] = useState('')
  const [at, setAt] = useState(0)
  const [known, setKnown] = useState(/** @type {Find[]} */ ([]))
  const [runs, setRuns] = useState(/** @type {Find[]} */ ([]))
  const list = useRef(/** @type {HTMLElement | null} */ (null))
  const field = useRef(/** @type {HTMLInputElement | null} */ (null))
  useLayoutEffect(() => {
    field.current?.focus()
    void things().then(setKnown)
  }, [])
  useEffect(() => {
    setAt(0)
    let current = true
    const timer = setTimeout(async () => {
      const found = words.trim().length > 1 ? await runsLike(words.trim()) : []
      if (current) setRuns(found)
    }, PAUSE)
    return () => {
      current = false
      clearTimeout(timer)
    }
  }, [words])
  const found = [...best([...known, ...actions()], words), ...runs].slice(0, MOST)
  useEffect(() => list.current?.children[at]?.scrollIntoView({ block: 'nearest' }), [at])
  const take = (/** @type {Find | undefined} */ one) => {
    if (!one) return
    close()
    setTimeout(one.go) // when the dialog has given the focus back
  }
  const press = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (event.key === 'Enter') take(found[at])
    else if (step) setAt((now) => (now + step + found.length) % Math.max(1, found.length))
    else return
    event.preventDefault()
  }
  return html`<${Dialog} title="Go to" close=${close}>
    <div class="finder">
      <input ref=${field} type="text" role="combobox" aria-expanded="true" aria-controls="finder-list" aria-activedescendant=${found[at] ? `finder-${at}` : undefined} aria-label="experiment, run, model or action"
        placeholder="experiment, run, model or action" autocomplete="off" spellcheck=${false} value=${words} onInput=${(/** @type {any} */ event) => setWords(event.target.value)} onKeyDown=${press} />
      <ul id="finder-list" role="listbox" aria-label="found" ref=${list}>
        ${found.map((one, index) => html`<li key=${one.kind + one.text + one.more} id=${`finder-${index}`} role="option" aria-selected=${index === at} onMouseMove=${() => setAt(index)} onClick=${() => take(one)}>
          <span class="muted kind">${one.kind}</span><span class="text">${one.text}</span>${one.more && html`<span class="muted">${one.more}</span>`}</li>`)}
      </ul>
      ${!found.length && words && html`<p class="muted">Nothing is called like that.</p>`}
    </div>
  <//>`
}

/** Experiments and models; what cannot be had is left out. @returns {Promise<Find[]>} */
async function things() {
  const [experiments, models] = await Promise.allSettled([get('/experiments'), get('/models', { limit: 1000 })])
  return [
    ...(experiments.status === 'fulfilled' ? experiments.value.experiments : []).map((/** @type {any} */ each) => ({ kind: 'experiment', text: each.name, go: () => navigate(path('e', each.name)) })),
    ...(models.status === 'fulfilled' ? models.value.models : []).map((/** @type {any} */ each) => ({ kind: 'model', text: each.name, more: Object.keys(each.aliases).map((alias) => `@${alias}`).join(' '), go: () => navigate(path('models', each.name)) })),
  ]
}

/** Runs with these words in their names, or whose id begins so. @param {string} words @returns {Promise<Find[]>} */
async function runsLike(words) {
  const named = words.split(/\s+/).map((word) => `name ILIKE '%${word.replaceAll("'", "''")}%'`).join(' and ')
  const where = /^[0-9a-f]{4,32}$/.test(words) ? `(${named}) or run_id LIKE '${words}%'` : named
  try {
    const { ids, cols } = await get('/table', { where, cols: 'name,experiment', limit: 8 })
    return ids.map((/** @type {string} */ id, /** @type {number} */ index) => ({ kind: 'run', text: cols.name[index] || id.slice(0, 8), more: `${cols.experiment[index]} · ${id.slice(0, 8)}`, go: () => navigate(path('r', id.slice(0, 12))) }))
  } catch {
    return [] // what is typed is no search; the rest of the list is there
  }
}

/** What the keys of this page do. @returns {Find[]} */
function actions() {
  const unused = /^(Ctrl\+k|Arrow|Page|Home|End|Escape)/
  return bound.value.flat().filter(({ keys }) => !unused.test(keys)).map(({ keys, does, run }) => ({ kind: 'action', text: does, more: keys, go: () => run(new KeyboardEvent('keydown')) }))
}

/** Those that are like the words, the likest first; all of them where there are no words. @param {Find[]} all @param {string} words */
function best(all, words) {
  return all.map((one) => ({ one, like: likeness(one.text, words) })).filter(({ like }) => like > 0).sort((a, b) => b.like - a.like).map(({ one }) => one)
}
