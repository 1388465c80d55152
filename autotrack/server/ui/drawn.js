// The charts that are drawn: they share the place of the pointer.

/** By their elements. @type {Map<Element, {u: any, lines: import('./chart.js').Line[]}>} */
export const drawn = new Map()
