// Where an axis has its marks, and what is written at them.

const MANTISSAS = [1, 2, 5, 10]
const SPANS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000, 31_536_000]

/** The step between about `count` round marks. @param {number} low @param {number} high @param {number} count */
export function roundStep(low, high, count) {
  const rough = (high - low) / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * (MANTISSAS.find((each) => each * power >= rough * 0.999) ?? 10)
}

/** Round marks between two numbers. @param {number} low @param {number} high @param {number} count about how many @param {number} [least] the least step */
export function marks(low, high, count, least = 0) {
  if (!(high > low)) return [low]
  return multiples(low, high, Math.max(least, roundStep(low, high, count)))
}

/** Marks of an axis of seconds: at full seconds, minutes, hours, days. @param {number} low @param {number} high @param {number} count @param {number} [shift] seconds to local time */
export function timeMarks(low, high, count, shift = 0) {
  const rough = (high - low) / Math.max(1, count)
  if (rough < 0.5) return marks(low, high, count)
  const step = SPANS.find((each) => each >= rough) ?? roundStep(low, high, count)
  return multiples(low + shift, high + shift, step).map((each) => each - shift)
}

/** @param {number} low @param {number} high @param {number} step */
function multiples(low, high, step) {
  const found = []
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9 && found.length < 100; at += 1) found.push(at === 0 ? 0 : Number((at * step).toPrecision(15)))
  return found
}

/** Marks of a log axis: powers of ten, and 2 and 5 times those where there is room. @param {number} low @param {number} high both above 0 @param {number} count */
export function logMarks(low, high, count) {
  const decades = Math.log10(high / low)
  if (decades < 0.7) return marks(low, high, count)
  const every = Math.max(1, Math.ceil(decades / count))
  const within = decades * 3 <= count ? [1, 2, 5] : decades * 2 <= count ? [1, 3] : [1]
  const found = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    if (power % every) continue
    for (const each of within) {
      const value = Number((each * 10 ** power).toPrecision(12))
      if (value >= low * 0.9999 && value <= high * 1.0001) found.push(value)
    }
  }
  return found.length > 1 ? found : marks(low, high, count)
}

/** A number at a mark: as many digits as tell it from its neighbour. @param {number} value @param {number} step */
export function atMark(value, step) {
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size < 1e-4 || size >= 1e15) return value.toExponential(Math.min(6, Math.max(0, power(size) - power(step)))).replace(/-/g, '−').replace('e+', 'e')
  for (const [unit, sign] of /** @type {[number, string][]} */ ([[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']])) {
    if (size >= unit * (unit === 1e3 ? 10 : 1)) return fixed(value / unit, step / unit) + sign
  }
  return fixed(value, step)
}

/** @param {number} size */
const power = (size) => Math.floor(Math.log10(size) + 1e-9)

/** @param {number} value @param {number} step */
function fixed(value, step) {
  const digits = Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))
  return value.toFixed(digits).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '').replace('-', '−')
}

/** What is written at marks of numbers. @param {number[]} at */
export function numberLabels(at) {
  const step = at.length > 1 ? Math.min(...at.slice(1).map((each, index) => each - at[index])) : Math.abs(at[0]) || 1
  return at.map((each) => atMark(each, step))
}

/** What is written at the marks of a log axis. @param {number[]} at */
export function logLabels(at) {
  if (at.length > 1 && at[1] / at[0] < 1.9) return numberLabels(at)
  return at.map((each) => atMark(each, 10 ** power(each)))
}

/** Seconds since the beginning. @param {number} seconds @param {number} [step] */
export function sinceStart(seconds, step = 1) {
  if (seconds === 0) return '0'
  if (step < 1) return `${fixed(seconds, step)} s`
  const whole = Math.round(seconds)
  const parts = [[Math.floor(whole / 86_400), 'd'], [Math.floor(whole / 3600) % 24, 'h'], [Math.floor(whole / 60) % 60, 'm'], [whole % 60, 's']]
  return parts.filter(([value]) => value).slice(0, 2).map(([value, unit]) => `${value}${unit}`).join(' ')
}

/** The moments at marks: days where they are days apart, else the time of day. @param {number[]} at seconds since 1970 */
export function clockLabels(at) {
  const step = at.length > 1 ? at[1] - at[0] : 60
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0')
  return at.map((each) => {
    const when = new Date(each * 1000)
    const day = `${two(when.getMonth() + 1)}-${two(when.getDate())}`
    if (step >= 86_400) return step >= 20_000_000 ? String(when.getFullYear()) : day
    if (when.getHours() === 0 && when.getMinutes() === 0 && when.getSeconds() === 0) return day
    return `${two(when.getHours())}:${two(when.getMinutes())}${step < 60 ? `:${two(when.getSeconds())}` : ''}`
  })
}
