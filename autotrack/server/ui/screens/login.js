// Logging in: a name and a password, or a token; the first of all users also shows the code that the server has printed.
import { useEffect, useRef, useState } from 'preact/hooks'
import { send } from '../api.js'
import { useJson } from '../data.js'
import { useTrail } from '../frame.js'
import { html } from '../html.js'
import { place } from '../router.js'

export function Screen() {
  useTrail([{ text: 'Log in' }])
  const [error, setError] = useState('')
  const [token, setToken] = useState(false)
  const [busy, setBusy] = useState(false)
  const form = useRef(/** @type {HTMLFormElement | null} */ (null))
  const { data: needed } = useJson('/login')
  const first = Boolean(needed?.first) && !token
  useEffect(() => form.current?.querySelector('input')?.focus(), [token, first])
  const go = async (/** @type {any} */ event) => {
    event.preventDefault()
    setBusy(true)
    try {
      await send('POST', '/session', Object.fromEntries(new FormData(event.target)))
      location.assign(inside(place.value.query.get('next')))
    } catch (failure) {
      setError(/** @type {Error} */ (failure).message)
      setBusy(false)
    }
  }
  if (needed && !needed.users) return html`<main class="page login"><div class="card"><h1>No need to log in</h1><p>This server asks nobody who he is.</p><p><a href="/">All experiments</a></p></div></main>`
  return html`<main class="page login"><form class="card" ref=${form} onSubmit=${go}>
    <h1>${first ? 'The first user' : 'Log in'}</h1>
    ${first && html`<p class="muted">This server has no user yet. Whoever has the code that it printed when it started becomes its administrator.</p><label>One-time code <input name="code" required autocomplete="off" /></label>`}
    ${token ? html`<label>Token <input key="token" name="token" type="password" required autocomplete="off" /></label>` : html`<label>Name <input key="name" name="name" required autocomplete="username" /></label><label>Password <input name="password" type="password" required autocomplete=${first ? 'new-password' : 'current-password'} /></label>`}
    ${error && html`<p class="wrong" role="alert">${error}</p>`}
    <button class="main" disabled=${busy}>Log in</button>
    <button type="button" class="quiet" onClick=${() => { setToken(!token); setError('') }}>${token ? 'With a password instead' : 'With a token instead'}</button>
  </form></main>`
}

/** A path of this server's; what leads elsewhere is the first page. @param {string | null} next */
export function inside(next) {
  if (!next?.startsWith('/')) return '/'
  const url = new URL(next, location.origin)
  return url.origin === location.origin && !url.pathname.startsWith('//') ? url.pathname + url.search : '/'
}
