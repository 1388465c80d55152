// What is around every page: the bar with the way back, the sign of life, the theme, the keys.
import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { send } from './api.js'
import { boot } from './boot.js'
import { Dialog } from './dialog.js'
import { html } from './html.js'
import { bound, letters, useKeys, setLetters } from './keys.js'
import { lazy } from './lazy.js'
import { live } from './live.js'
import { Notices } from './notice.js'
import { navigate, place } from './router.js'

const Finder = lazy(() => import('./finder.js'), 'Finder')

/** @typedef {{text: string, href?: string}} Crumb */

/** The way from home to this page; the last has no link. A page sets it with `useTrail`. */
const trail = signal(/** @type {Crumb[]} */ ([]))

/** Says where a page is, in the bar and as the window's title. @param {Crumb[]} crumbs */
export function useTrail(crumbs) {
  const text = JSON.stringify(crumbs)
  useEffect(() => {
    trail.value = crumbs
    const last = [...crumbs].reverse().map((each) => each.text)
    document.title = [...last, 'autotrack'].join(' · ')
  }, [text])
}

/** @param {{children: any}} given */
export function Frame({ children }) {
  const [help, setHelp] = useState(false)
  const [finds, setFinds] = useState(false)
  useKeys([
    { keys: '?', does: 'show the keys', run: () => setHelp(true) },
    { keys: 'g h', does: 'go to all experiments', run: () => navigate('/') },
    { keys: 'g m', does: 'go to the models', run: () => navigate('/models') },
    { keys: 'g p', does: 'go to the projects', run: () => navigate('/projects') },
    { keys: '/', does: 'search', run: () => focusSearch() },
    { keys: 'Ctrl+k', does: 'go to an experiment, a run, a model', run: () => open() },
  ])
  const open = () => setFinds(true)
  return html`<header class="bar">
      <a class="logo" href="/" aria-label="autotrack: all experiments"><${Logo} /></a>
      <nav class="trail" aria-label="where you are">
        ${trail.value.map((crumb, index) => html`<span key=${index}>${crumb.href ? html`<a href=${crumb.href}>${crumb.text}</a>` : html`<b>${crumb.text}</b>`}</span>`)}
      </nav>
      <nav class="places" aria-label="places"><a href="/">Experiments</a><a href="/models">Models</a><a href="/projects">Projects</a></nav>
      <button class="quiet find" title="Go to an experiment, a run, a model (Ctrl+K)" onClick=${open}>Go to <kbd>Ctrl K</kbd></button>
      <${LiveDot} />
      <${Theme} />
      <button class="quiet" title="Keys (?)" aria-label="Keys" onClick=${() => setHelp(true)}>?</button>
      ${boot.auth && place.value.screen !== 'login' && html`<button class="quiet" onClick=${leave}>Log out</button>`}
    </header>
    ${children}
    <${Notices} />
    ${finds && html`<${Finder} close=${() => setFinds(false)} />`}
    ${help && html`<${Keys} close=${() => setHelp(false)} />`}`
}

/** Ends the session, here and on the server. */
async function leave() {
  try {
    await send('DELETE', '/session')
  } finally {
    location.assign('/login')
  }
}

export function Logo() {
  return html`<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
    <path d="M3 18 L9 11 L13 14 L21 4" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" />
    <circle cx="9" cy="11" r="2.3" fill="currentColor" /><circle cx="21" cy="4" r="2.3" fill="currentColor" />
  </svg>`
}

/** Puts the cursor into the page's search field. */
export function focusSearch() {
  const field = document.querySelector('[data-search]')
  if (field instanceof HTMLInputElement) field.select()
}

function LiveDot() {
  const [, tick] = useState(0)
  const { state, since } = live.value
  useEffect(() => {
    if (state !== 'lost') return
    const timer = setInterval(() => tick((count) => count + 1), 1000)
    return () => clearInterval(timer)
  }, [state])
  const ago = Math.round((Date.now() - since) / 1000)
  const text = state === 'lost' ? `reconnecting, last update ${ago} s ago` : state === 'on' ? 'live' : 'not listening'
  return html`<span class=${`live ${state}`} role="status" title=${text} data-live=${state}>${state === 'lost' ? text : ''}</span>`
}

/** The button that turns from light to dark. */
export function Theme() {
  const [, draw] = useState(0)
  const dark = document.documentElement.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')
  const turn = () => {
    const theme = dark === 'dark' ? 'light' : 'dark'
    document.documentElement.dataset.theme = theme
    try {
      localStorage.setItem('autotrack.theme', theme)
    } catch {
      // Not kept: it holds for this page.
    }
    themed.value += 1
    draw((count) => count + 1)
  }
  return html`<button class="quiet" aria-label=${`Use the ${dark === 'dark' ? 'light' : 'dark'} theme`} title="Light or dark" onClick=${turn}>${dark === 'dark' ? '☀' : '☾'}</button>`
}

/** Grows when the theme changes: what is drawn on a canvas has to be drawn again. */
export const themed = signal(0)

/** The list of keys. @param {{close: () => void}} given */
export function Keys({ close }) {
  return html`<${Dialog} title="Keys" close=${close}>
    <table class="keys"><tbody>
      ${bound.value.flat().map(({ keys, does }) => html`<tr key=${keys + does}><td>${keys.split(' ').map((key) => html`<kbd>${key}</kbd> `)}</td><td>${does}</td></tr>`)}
    </tbody></table>
    <label><input type="checkbox" checked=${letters.value} onChange=${(/** @type {any} */ event) => setLetters(event.target.checked)} /> single letters are keys</label>
  <//>`
}
