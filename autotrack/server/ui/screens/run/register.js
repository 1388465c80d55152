// Registering a run's model: a name, new or known, gets a version that points at it.
import { useState } from 'preact/hooks'
import { send } from '../../api.js'
import { useJson } from '../../data.js'
import { Dialog } from '../../dialog.js'
import { html } from '../../html.js'
import { notify } from '../../notice.js'
import { navigate } from '../../router.js'
import { modelPath, reread } from '../models/registry.js'

/** @param {{run: any, close: () => void}} given */
export function Register({ run, close }) {
  const known = useJson('/models', { max_results: 500 })
  const [busy, setBusy] = useState(false)
  const names = (known.data?.models ?? []).map((/** @type {any} */ model) => model.name)
  const register = async (/** @type {any} */ event) => {
    event.preventDefault()
    const { name, model } = Object.fromEntries(new FormData(event.target))
    const wanted = String(name).trim()
    const chosen = run.models.find((/** @type {any} */ each) => each.path === model) ?? run.models[0]
    setBusy(true)
    try {
      if (!names.includes(wanted)) await send('POST', '/models', { name: wanted })
      const made = await send('POST', `/models/${encodeURIComponent(wanted)}/versions`, { source: `runs:/${run.id}/${chosen.path}`, artifact_uri: run.artifact_uri ? `${run.artifact_uri.replace(/^artifacts\//, '')}/${chosen.path}` : null, run: run.id, digest: chosen.digest })
      notify(`${wanted} has version ${made.version}`)
      reread()
      navigate(modelPath(wanted, 'v', String(made.version)))
    } catch (error) {
      notify(/** @type {Error} */ (error).message, { bad: true })
      setBusy(false)
    }
  }
  return html`<${Dialog} title="Register the model" close=${close}><form class="form" onSubmit=${register}>
    <label>Name <input name="name" list="registered" required maxlength="500" autofocus value=${names.length === 1 ? names[0] : ''} /></label>
    <datalist id="registered">${names.map((/** @type {string} */ name) => html`<option key=${name} value=${name} />`)}</datalist>
    ${run.models.length > 1 && html`<label>Model <select name="model">${run.models.map((/** @type {any} */ each) => html`<option key=${each.path} value=${each.path}>${each.path}</option>`)}</select></label>`}
    <p class="muted">A name that is known gets one more version; no file is copied.</p>
    <p><button class="main" disabled=${busy}>Register</button> <button type="button" onClick=${close}>Cancel</button></p>
  </form><//>`
}
