// A report: the screens of a run and of runs compared, in a file that stands alone and holds the answers that they ask for.
import { render } from 'preact'
import { save } from './export.js'
import { html } from './html.js'
import { listenToKeys } from './keys.js'
import { followLinks, link, navigate, path, place } from './router.js'
import { bytesOf, Held } from './report/answers.js'
import { ReportFrame } from './report/frame.js'
import { Screen as Compare } from './screens/compare.js'
import { Screen as Run } from './screens/run.js'

const API = '/api/v1'
const NAME = /^\/(r|compare)(\/|\?|$)/

const held = new Held(JSON.parse(await unpacked(document.getElementById('held')?.textContent ?? '')))
const { runs } = held.document
const start = runs.length > 1 ? link('/compare', { runs: runs.map(({ id }) => id.slice(0, 12)).join(',') }) : path('r', runs[0].id.slice(0, 12))

/** @param {string} text gzip in base64 */
async function unpacked(text) {
  const stream = new Blob([bytesOf(text.trim())]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Response(stream).text()
}

/** Answers in the place of a server. @param {RequestInfo | URL} asked @param {RequestInit} [options] @returns {Promise<Response>} */
async function answer(asked, options = {}) {
  const url = new URL(String(asked), 'http://report')
  const at = decodeURIComponent(url.pathname.slice(API.length))
  const reading = (options.method ?? 'GET') === 'GET' || at === '/files/search'
  const found = reading ? held.answer(at, Object.fromEntries(url.searchParams), options.body ? JSON.parse(String(options.body)) : undefined) : null
  if (found && 'json' in found) return Response.json(found.json)
  if (found) return new Response(found.bytes, { headers: { 'Content-Type': found.media } })
  if (!reading) return refused(405, 'a report cannot be changed')
  return refused(404, at in held.document.left || /\/artifacts\/./.test(at) ? 'this file is not in the report' : 'this is not in the report')
}

/** @param {number} status @param {string} message */
const refused = (status, message) => Response.json({ message }, { status })

/** A download comes from what is held, too. @param {MouseEvent} event */
function download(event) {
  const anchor = /** @type {Element} */ (event.target).closest?.(`a[href^="${API}/"]`)
  if (!(anchor instanceof HTMLAnchorElement)) return
  event.preventDefault()
  event.stopPropagation()
  const name = anchor.download || 'file'
  void fetch(anchor.getAttribute('href') ?? '').then(async (found) => found.ok && save(name, await found.blob()))
}

function App() {
  const { screen, path: named, query } = place.value
  const known = screen === 'run' ? held.run(named.run) : screen === 'compare' && (query.get('runs') ?? '').split(',').every((id) => held.run(id))
  const body = !known ? html`<${Absent} />` : screen === 'run' ? html`<${Run} key=${named.run} />` : html`<${Compare} />`
  return html`<${ReportFrame} of=${held.document} start=${start}>${body}<//>`
}

function Absent() {
  return html`<main class="page lost"><h1>This is not in the report</h1><p>It has ${runs.length === 1 ? 'one run' : `${runs.length} runs`} in it, as they were when it was made.</p><p><a href=${start}>What is in it</a></p></main>`
}

window.fetch = answer
document.addEventListener('click', download, true)
if (!NAME.test(place.value.address)) navigate(start, { replace: true })
followLinks()
listenToKeys()
render(html`<${App} />`, /** @type {Element} */ (document.getElementById('app')))
