// Numbers, times and sizes as people read them.

/** What stands for a value that is not there. */
export const NOTHING = '–'

/**
 * A number with about `digits` significant digits, its thousands grouped. "NaN", "Infinity" and "-Infinity" are numbers.
 * @param {number | string | null | undefined} value @param {number} [digits]
 */
export function number(value, digits = 4) {
  if (value === null || value === undefined) return NOTHING
  const given = typeof value === 'string' ? Number(value) : value
  if (Number.isNaN(given)) return 'NaN'
  if (!Number.isFinite(given)) return given > 0 ? '∞' : '−∞'
  if (Number.isInteger(given) && Math.abs(given) < 1e15) return given.toLocaleString('en-US').replace('-', '−')
  const size = Math.abs(given)
  if (size >= 1e15 || size < 1e-4) return scientific(given, digits)
  if (size >= 10 ** digits) return Math.round(given).toLocaleString('en-US').replace('-', '−')
  return trimmed(given.toPrecision(digits)).replace('-', '−')
}

/** @param {number} value @param {number} digits */
function scientific(value, digits) {
  const [mantissa, exponent] = value.toExponential(digits - 1).split('e')
  return `${trimmed(mantissa)}e${exponent.replace('+', '')}`.replace(/-/g, '−')
}

/** @param {string} text */
const trimmed = (text) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)

/** How long something took or takes. @param {number | null | undefined} ms */
export function duration(ms) {
  if (ms === null || ms === undefined || ms < 0) return NOTHING
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${trimmed(seconds.toPrecision(3))} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** How long ago something was. @param {number | null | undefined} ms since 1970 @param {number} [now] */
export function age(ms, now = Date.now()) {
  if (ms === null || ms === undefined) return NOTHING
  const seconds = Math.max(0, (now - ms) / 1000)
  if (seconds < 60) return 'just now'
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  if (seconds < 86_400 * 30) return `${Math.floor(seconds / 86_400)} d ago`
  return new Date(ms).toISOString().slice(0, 10)
}

/** The moment itself, in the reader's own time. @param {number | null | undefined} ms */
export function moment(ms) {
  return ms === null || ms === undefined ? NOTHING : new Date(ms).toLocaleString('sv-SE', { timeZoneName: 'short' })
}

/** @param {number | null | undefined} count of bytes */
export function size(count) {
  if (count === null || count === undefined) return NOTHING
  let value = count
  for (const unit of ['B', 'KB', 'MB', 'GB', 'TB']) {
    if (value < 1000 || unit === 'TB') return `${unit === 'B' ? value : trimmed(value.toPrecision(3))} ${unit}`
    value /= 1000
  }
}

/** @param {number} count @param {string} one @param {string} [many] */
export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`
}
