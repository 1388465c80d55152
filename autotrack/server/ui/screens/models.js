// Registered models: all of them, one with its versions, one version. What is in production, and where did it come from?
import { useEffect } from 'preact/hooks'
import { html } from '../html.js'
import { lazy } from '../lazy.js'
import { onChange } from '../live.js'
import { place } from '../router.js'
import { Lost } from '../states.js'
import { List } from './models/list.js'
import { reread } from './models/registry.js'

const Model = lazy(() => import('./models/model.js'), 'Model')
const Version = lazy(() => import('./models/version.js'), 'Version')
const VersionDifference = lazy(() => import('./models/difference.js'), 'VersionDifference')

/** The stream of changes tells of runs; versions and aliases are few and asked for (ms). */
const EVERY = 5000

export function Screen() {
  const { name, rest = '' } = place.value.path
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && reread(), EVERY)
    const stop = onChange(({ reset }) => reset && reread())
    return () => (stop(), clearInterval(timer))
  }, [])
  const numbered = /^v\/(\d+)$/.exec(rest)
  if (!name) return html`<${List} />`
  if (!rest) return html`<${Model} key=${name} name=${name} />`
  if (numbered) return html`<${Version} key=${name + rest} name=${name} version=${numbered[1]} />`
  if (/^@[\w-]+$/.test(rest)) return html`<${Version} key=${name + rest} name=${name} alias=${rest.slice(1)} />`
  if (rest === 'diff') return html`<${VersionDifference} key=${name} name=${name} />`
  return html`<${Lost} />`
}
