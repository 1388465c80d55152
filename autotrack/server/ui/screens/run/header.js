// The head of a run's page: its name, where it belongs, what can be done with it.
import { useState } from 'preact/hooks'
import { send } from '../../api.js'
import { CopyButton } from '../../copy.js'
import { age, duration, moment } from '../../format.js'
import { html } from '../../html.js'
import { lazy } from '../../lazy.js'
import { Menu } from '../../menu.js'
import { attempt } from '../../notice.js'
import { link, navigate, path } from '../../router.js'
import { Status } from '../../status.js'

const Register = lazy(() => import('./register.js'), 'Register')

/** @param {{run: any, standing: any, reload: () => void}} given */
export function Header({ run, standing, reload }) {
  const [naming, setNaming] = useState(false)
  const [registering, setRegistering] = useState(false)
  const rename = async (/** @type {any} */ event) => {
    event.preventDefault()
    const name = event.target.elements.name.value.trim()
    setNaming(false)
    const set = (/** @type {string} */ to) => send('PATCH', path('runs', run.id), { name: to })
    if (name && name !== run.name) await attempt(() => set(name), `renamed to ${name}`, async () => { await set(run.name); reload() })
    reload()
  }
  const remove = async () => {
    if (await attempt(() => send('DELETE', path('runs', run.id)), `${run.name} deleted`, () => send('POST', path('runs', run.id, 'restore')))) navigate(path('e', run.experiment))
  }
  const restore = () => attempt(() => send('POST', path('runs', run.id, 'restore')), `${run.name} restored`).then(reload)
  const took = run.ended ? (run.ended - run.started) / 1e6 : run.status === 'RUNNING' ? Date.now() - run.started / 1e6 : null
  const models = run.models ?? []
  return html`<header class="about">
    <h1><${Status} of=${run.status} /> ${naming ? html`<form onSubmit=${rename}><input name="name" aria-label="name" value=${run.name} autofocus onBlur=${() => setNaming(false)} onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && setNaming(false)} /></form>` : html`<button class="heading" title="Rename" onClick=${() => setNaming(true)}>${run.name || run.id.slice(0, 8)}</button>`}</h1>
    <span class="muted facts"><a href=${path('e', run.experiment)}>${run.experiment}</a>${run.parent && html` · child of <a href=${path('r', run.parent.slice(0, 12))}>${run.parent.slice(0, 8)}</a>`} · <span title=${moment(run.started / 1e6)}>${age(run.started / 1e6)}</span> · ${duration(took)}${run.user && ` · ${run.user}`} · <code title=${run.id}>${run.id.slice(0, 12)}</code> <${CopyButton} text=${run.id} title="Copy the run's id" /></span>
    <span class="acts">
      ${run.lifecycle === 'deleted' ? html`<span class="chip bad">deleted</span><button onClick=${restore}>Restore</button>` : html`
      <${Comparing} run=${run} standing=${standing} />
      ${models.length > 0 && html`<button onClick=${() => setRegistering(true)}>Register</button>`}
      <button onClick=${remove}>Delete</button>`}
    </span>
    ${registering && html`<${Register} run=${run} close=${() => setRegistering(false)} />`}
  </header>`
}

/** Whom the run can be compared with: the parent, the best, the previous one. @param {{run: any, standing: any}} given */
function Comparing({ run, standing }) {
  const { best, previous, main } = standing ?? {}
  const others = /** @type {[string, {id: string, name: string}][]} */ ([
    ...(run.parent ? [['its parent', { id: run.parent, name: run.parent.slice(0, 8) }]] : []),
    ...(best && best.id !== run.id ? [[`the best by ${main}`, best]] : []),
    ...(previous ? [['the one before it', previous]] : []),
  ])
  return html`<${Menu} label="Compare ▾" align="right">${() => html`<ul class="plain choices">
    ${others.map(([what, other]) => html`<li key=${what}><a href=${link('/compare', { runs: `${other.id.slice(0, 12)},${run.id.slice(0, 12)}` })}>with ${what} <span class="muted">${other.name || other.id.slice(0, 8)}</span></a></li>`)}
    <li><a href=${link(path('e', run.experiment), { sel: run.id })}>with others, chosen in the table</a></li></ul>`}<//>`
}
