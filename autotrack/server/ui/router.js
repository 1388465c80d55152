// Where one is. `place` follows the address; `navigate` and `change` are the only ways to change it. A page is a
// function of `place` and of data, so that back, reload, bookmarks and links sent to others work by themselves.
import { signal } from '@preact/signals'

/**
 * @typedef {object} Place
 * @property {string} screen the name of the screen: home, experiment, run, compare, models, projects, login, lost
 * @property {Record<string, string>} path the variables of the path, decoded
 * @property {URLSearchParams} query
 * @property {string} address path and query
 */

/** Patterns, tried in their order; a variable at the end with a `*` takes the rest, slashes included. */
const PATTERNS = [
  ['home', '/'],
  ['login', '/login'],
  ['experiment', '/e/*experiment'],
  ['run', '/r/:run'],
  ['run', '/r/:run/:tab'],
  ['run', '/r/:run/:tab/*rest'],
  ['compare', '/compare'],
  ['models', '/models'],
  ['models', '/models/:name'],
  ['models', '/models/:name/*rest'],
  ['projects', '/projects'],
  ['projects', '/projects/*name'],
].map(([screen, path]) => ({ screen, names: path.split('/').filter(Boolean) }))

/** @param {string} address path and query, as in `location` @returns {Place} */
export function parse(address) {
  const [path, query = ''] = address.split('#')[0].split(/\?(.*)/s)
  const parts = path.split('/').filter(Boolean)
  for (const { screen, names } of PATTERNS) {
    const found = match(names, parts)
    if (found) return { screen, path: found, query: new URLSearchParams(query), address }
  }
  return { screen: 'lost', path: {}, query: new URLSearchParams(query), address }
}

/** @param {string[]} names @param {string[]} parts @returns {Record<string, string> | null} */
function match(names, parts) {
  const rest = names.at(-1)?.startsWith('*')
  if (rest ? parts.length < names.length : parts.length !== names.length) return null
  /** @type {Record<string, string>} */
  const found = {}
  for (const [index, name] of names.entries()) {
    if (name.startsWith('*')) found[name.slice(1)] = parts.slice(index).map(decoded).join('/')
    else if (name.startsWith(':')) found[name.slice(1)] = decoded(parts[index])
    else if (name !== parts[index]) return null
  }
  return found
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** True in a file that stands alone, a report: there is no server to ask for another path, so the address is behind the `#`. */
export const alone = typeof document !== 'undefined' && document.documentElement.dataset.alone !== undefined

const here = () => (alone ? location.hash.slice(1) || '/' : location.pathname + location.search)

/** Where one is. */
export const place = signal(parse(typeof location === 'undefined' ? '/' : here()))

/**
 * Goes to an address.
 * @param {string} address
 * @param {{replace?: boolean}} [options] `replace`: the step does not count for the Back button (typing, sliders)
 */
export function navigate(address, { replace = false } = {}) {
  if (address === place.value.address) return
  history[replace ? 'replaceState' : 'pushState'](null, '', alone ? `#${address}` : address)
  place.value = parse(here())
}

/**
 * Changes the query: what is null is taken out.
 * @param {Record<string, string | number | null | undefined>} patch
 * @param {{replace?: boolean}} [options]
 */
export function change(patch, options) {
  navigate(changed(patch), options)
}

/** The address with a changed query. @param {Record<string, string | number | null | undefined>} patch */
export function changed(patch) {
  const query = new URLSearchParams(place.value.query)
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined || value === '') query.delete(key)
    else query.set(key, String(value))
  }
  return link(place.value.address.split('?')[0], query)
}

/**
 * An address that is easy to read: `:`, `/`, `,` and `@` stand as they are.
 * @param {string} path @param {URLSearchParams | Record<string, string | number | null | undefined>} [query]
 */
export function link(path, query = {}) {
  const pairs = query instanceof URLSearchParams ? [...query] : Object.entries(query)
  const text = pairs
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([key, value]) => `${encodeURIComponent(key)}=${readable(encodeURIComponent(String(value))).replace(/%20/g, '+')}`)
    .join('&')
  return text ? `${path}?${text}` : path
}

/** A path of segments, each escaped. @param {...string} parts */
export function path(...parts) {
  return '/' + parts.map((part) => part.split('/').map(encodeURIComponent).join('/')).map(readable).join('/')
}

/** @param {string} text */
const readable = (text) => text.replace(/%(3A|2F|2C|40)/g, (code) => decodeURIComponent(code))

/** Makes links within the pages change `place` instead of loading a page. */
export function followLinks() {
  addEventListener('popstate', () => (place.value = parse(here())))
  document.addEventListener('click', (event) => {
    const anchor = /** @type {Element} */ (event.target).closest?.('a[href]')
    if (!(anchor instanceof HTMLAnchorElement) || anchor.target || anchor.hasAttribute('download')) return
    if (alone) {
      event.preventDefault()
      return navigate(anchor.getAttribute('href') ?? '/')
    }
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    if (anchor.origin !== location.origin || parse(anchor.pathname).screen === 'lost') return
    event.preventDefault()
    navigate(anchor.pathname + anchor.search)
  })
}
