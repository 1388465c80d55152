// What a part of a page shows while it has no data: that they are coming, that there are none, that they did not come.
import { useEffect, useState } from 'preact/hooks'
import { Copied } from './copy.js'
import { html } from './html.js'
import { place } from './router.js'

/** Rows of the height that the data will have, shown after a moment only. @param {{rows?: number, height?: number}} given */
export function Loading({ rows = 8, height = 28 }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150)
    return () => clearTimeout(timer)
  }, [])
  const lines = Array.from({ length: rows }, (_, index) => html`<div key=${index} style=${{ height: `${height}px` }}><i style=${{ width: `${40 + ((index * 37) % 50)}%` }}></i></div>`)
  return html`<div class=${late ? 'skeleton shown' : 'skeleton'} role="status" aria-label="loading">${lines}</div>`
}

/** One sentence, and the line that fills the place. @param {{children: any, line?: string}} given */
export function Empty({ children, line }) {
  return html`<div class="empty"><p>${children}</p>${line && html`<${Copied} text=${line} />`}</div>`
}

/** What failed, and how to try again. @param {{what: string, error: any, retry: () => void, stale?: boolean}} given */
export function Failed({ what, error, retry, stale = false }) {
  const status = error?.status ? ` (HTTP ${error.status})` : ''
  return html`<div class=${stale ? 'trouble stale' : 'trouble'} role="alert">
    <p>Could not load ${what}${status}: ${error?.message ?? String(error)}${stale ? '. What you see is older.' : ''}</p>
    <button onClick=${retry}>Retry</button>
  </div>`
}

/**
 * The data of a part of a page, or what stands for them; former data stay, greyed, under an error.
 * @param {{of: any, what: string, rows?: number, children: (data: any) => any}} given
 */
export function Part({ of, what, rows, children }) {
  const { data, error, reload, former } = of
  if (data === undefined) return error ? html`<${Failed} what=${what} error=${error} retry=${reload} />` : html`<${Loading} rows=${rows} />`
  return html`${error && html`<${Failed} what=${what} error=${error} retry=${reload} stale />`}
    <div class=${error || former ? 'former' : 'present'}>${children(data)}</div>`
}

/** There is nothing at this address. */
export function Lost() {
  return html`<main class="page lost">
    <h1>There is nothing here</h1>
    <p><code>${place.value.address}</code> is no page, or what it was about has been deleted.</p>
    <p><a href="/">All experiments</a></p>
  </main>`
}
