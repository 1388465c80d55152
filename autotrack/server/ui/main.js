// The app: the frame, and in it the screen of the place where one is. A screen's module is fetched when it is first shown.
import { render } from 'preact'
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Frame } from './frame.js'
import { html } from './html.js'
import { listenToKeys } from './keys.js'
import { listen } from './live.js'
import { followLinks, place } from './router.js'
import { Failed, Lost } from './states.js'

/** @type {Record<string, () => Promise<{Screen: import('preact').FunctionComponent<any>}>>} */
const SCREENS = {
  home: () => import('./screens/home.js'),
  experiment: () => import('./screens/experiment.js'),
  run: () => import('./screens/run.js'),
  compare: () => import('./screens/compare.js'),
  models: () => import('./screens/models.js'),
  projects: () => import('./screens/projects.js'),
  login: () => import('./screens/login.js'),
}

/** @type {import('@preact/signals').Signal<Record<string, any>>} */
const loaded = signal({})

/** @param {string} name */
async function load(name) {
  let screen
  try {
    screen = (await SCREENS[name]()).Screen
  } catch (error) {
    screen = () => html`<${Failed} what="this page" error=${error} retry=${() => location.reload()} />`
  }
  loaded.value = { ...loaded.value, [name]: screen }
}

function App() {
  const { screen, path } = place.value
  const Screen = loaded.value[screen]
  useEffect(() => {
    if (SCREENS[screen] && !Screen) void load(screen)
  }, [screen])
  const known = screen in SCREENS
  return html`<${Frame}>${known ? Screen && html`<${Screen} key=${screen + (path.experiment ?? path.run ?? '')} />` : html`<${Lost} />`}<//>`
}

followLinks()
listenToKeys()
if (place.value.screen !== 'login') listen()
render(html`<${App} />`, /** @type {Element} */ (document.getElementById('app')))
