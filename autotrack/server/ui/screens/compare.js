// Runs compared: why is one better than another? Which runs and which view of them, the address says.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { refresh } from '../data.js'
import { counted } from '../format.js'
import { useTrail } from '../frame.js'
import { html } from '../html.js'
import { onChange } from '../live.js'
import { changed, path, place } from '../router.js'
import { Empty, Failed, Loading } from '../states.js'
import { useCompared } from './compare/compared.js'
import { View as Diff } from './compare/diff.js'

/** The views, and the modules that draw them: each but the first is fetched when it is first shown. @type {Record<string, () => Promise<any>>} */
const TABS = {
  curves: () => import('./compare/curves.js'),
  parallel: () => import('./compare/parallel.js'),
  scatter: () => import('./compare/scatter.js'),
  contour: () => import('./compare/contour.js'),
  artifacts: () => import('./compare/artifacts.js'),
}

const VIEWS = ['diff', ...Object.keys(TABS)]

/** @type {import('@preact/signals').Signal<Record<string, any>>} */
const loaded = signal({ diff: Diff })

/** @param {string} name */
async function load(name) {
  let view
  try {
    view = (await TABS[name]()).View
  } catch (error) {
    view = () => html`<${Failed} what="this view" error=${error} retry=${() => location.reload()} />`
  }
  loaded.value = { ...loaded.value, [name]: view }
}

export function Screen() {
  const { query } = place.value
  const compared = useCompared()
  const tab = VIEWS.find((each) => each === query.get('tab')) ?? 'diff'
  const View = loaded.value[tab]
  const home = compared.experiment
  useTrail([...(home ? [{ text: home, href: path('e', home) }] : []), { text: 'Compare' }])
  useEffect(() => onChange(() => refresh((key) => key.startsWith('/compare?'))), [])
  useEffect(() => {
    if (!View) void load(tab)
  }, [tab])
  if (!compared.asked) return html`<main class="page compare"><${Empty} line="autotrack diff RUN RUN">Nothing to compare yet. Select two or more runs in a table and press Compare, or ask the command line:<//></main>`
  return html`<main class="page compare">
    <header class="tools">
      <h1>${compared.many ? html`${counted(compared.total, 'run')} of ${home}` : `${counted(compared.count, 'run')} compared`}</h1>
      ${compared.where && html`<code>${compared.where}</code>`}
    </header>
    <nav class="tabs" aria-label="views">${VIEWS.map((each) => html`<a key=${each} href=${changed({ tab: each === 'diff' ? null : each })} aria-current=${each === tab ? 'page' : undefined}>${each}</a>`)}</nav>
    ${View ? html`<${View} key=${tab} compared=${compared} />` : html`<${Loading} />`}
  </main>`
}
