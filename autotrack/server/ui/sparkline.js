// A curve as small as a word: its shape, its end, nothing else.
import { html } from './html.js'

/** @param {{values: (number | string | null)[], width?: number, height?: number, label?: string}} given */
export function Sparkline({ values, width = 96, height = 22, label = 'course' }) {
  const known = values.map((value) => (typeof value === 'number' ? value : NaN))
  const finite = known.filter(Number.isFinite)
  if (!finite.length) return html`<svg class="sparkline" width=${width} height=${height} role="img" aria-label="${label}: no values"></svg>`
  const low = finite.reduce((a, b) => Math.min(a, b))
  const high = finite.reduce((a, b) => Math.max(a, b))
  const x = (/** @type {number} */ index) => 3 + (known.length > 1 ? (index / (known.length - 1)) * (width - 6) : (width - 6) / 2)
  const y = (/** @type {number} */ value) => (high > low ? 3 + (1 - (value - low) / (high - low)) * (height - 6) : height / 2)
  let path = ''
  let pen = false
  known.forEach((value, index) => {
    if (Number.isFinite(value)) path += `${pen ? 'L' : 'M'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`
    pen = Number.isFinite(value)
  })
  const last = known.findLastIndex(Number.isFinite)
  return html`<svg class="sparkline" width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${`${label}: ${low} to ${high}, last ${known[last]}`}>
    <path d=${path} fill="none" stroke="currentColor" stroke-width="1.3" stroke-linejoin="round" /><circle cx=${x(last)} cy=${y(known[last])} r="2" fill="currentColor" />
  </svg>`
}
