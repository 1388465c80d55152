// Logging in: a name and a password, or a token.
import { useState } from 'preact/hooks'
import { send } from '../api.js'
import { useJson } from '../data.js'
import { html } from '../html.js'
import { place } from '../router.js'

export function Screen() {
  const [error, setError] = useState('')
  const [token, setToken] = useState(false)
  const entry = useJson('/login')
  const go = async (/** @type {any} */ event) => {
    event.preventDefault()
    const given = Object.fromEntries(new FormData(event.target))
    try {
      await send('POST', '/session', given)
      location.assign(inside(place.value.query.get('next')))
    } catch (failure) {
      setError(/** @type {Error} */ (failure).message)
    }
  }
  return html`<main class="page login"><form class="card" onSubmit=${go}>
    <h1>Log in</h1>
    ${token ? html`<label>Token <input name="token" type="password" required autocomplete="off" autofocus /></label>` : html`<label>Name <input name="user" required autocomplete="username" autofocus /></label><label>Password <input name="password" type="password" required autocomplete="current-password" /></label>`}
    ${entry.data?.first && html`<label>One-time code, which the server printed when it started <input name="code" required autocomplete="off" /></label>`}
    ${error && html`<p class="wrong" role="alert">${error}</p>`}
    <button class="main">Log in</button>
    <button type="button" class="quiet" onClick=${() => setToken(!token)}>${token ? 'With a password instead' : 'With a token instead'}</button>
  </form></main>`
}

/** A path of this server's; what leads elsewhere is the first page. @param {string | null} next */
export function inside(next) {
  if (!next) return '/'
  const url = new URL(next, location.origin)
  return url.origin === location.origin && !url.pathname.startsWith('//') ? url.pathname + url.search : '/'
}
