// The colours of runs: ten that people with any kind of colour vision can tell apart, then the same ones dashed.

const COLOURS = ['#3b76c4', '#d9742b', '#2f9a74', '#b8539b', '#b3932f', '#2aa3bd', '#c9483b', '#7a67c9', '#6b8f1f', '#8c6d5a']
const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]]

/** What is not selected. */
export const GREY = '#9aa3ad'

/** How the run at a position of the selection is drawn. @param {number} index @returns {{colour: string, dash: number[]}} */
export function look(index) {
  return { colour: COLOURS[index % COLOURS.length], dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length] }
}

/** A scale from low to high, dark to light, each step as large to the eye as the others. @param {number} share 0 to 1 */
export function scale(share) {
  const at = Math.min(1, Math.max(0, share)) * (SCALE.length - 1)
  const low = SCALE[Math.floor(at)]
  const high = SCALE[Math.ceil(at)]
  const part = at - Math.floor(at)
  return `rgb(${low.map((value, index) => Math.round(value + (high[index] - value) * part)).join(',')})`
}

const SCALE = [
  [68, 26, 107],
  [58, 82, 139],
  [40, 125, 142],
  [46, 169, 122],
  [138, 205, 62],
  [238, 218, 46],
]
