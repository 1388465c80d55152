// Which runs are selected and which one the pointer is at: shared by the table and the charts beside it.
import { computed, signal } from '@preact/signals'
import { look } from './palette.js'

/** @typedef {{ids: string[], all: {exp: string, where: string, total: number} | null}} Selection `all`: whatever matches */

/** @type {import('@preact/signals').Signal<Selection>} */
export const selection = signal({ ids: [], all: null })

/** The run that the pointer is at, in the table or in a chart; '' for none. */
export const hovered = signal('')

/** The position of each selected run: what its colour comes from. */
export const positions = computed(() => new Map(selection.value.ids.map((id, index) => [id, index])))

/** @param {string[]} ids */
export function select(ids) {
  selection.value = { ids: [...new Set(ids)], all: null }
}

/** @param {string[]} ids those that are to be in, or out, together @param {boolean} [into] by default the other way than the first */
export function toggle(ids, into = !positions.value.has(ids[0])) {
  const others = selection.value.ids.filter((id) => !ids.includes(id))
  select(into ? [...selection.value.ids, ...ids] : others)
}

/** Selects whatever matches, whether it has been fetched or not. @param {{exp: string, where: string, total: number}} all */
export function selectAll(all) {
  selection.value = { ids: [], all }
}

/** How many are selected. */
export const count = computed(() => selection.value.all?.total ?? selection.value.ids.length)

/** How a run is drawn: by its position among the selected, else by the one given. @param {string} id @param {number} [otherwise] */
export function lookOf(id, otherwise = 0) {
  return look(positions.value.get(id) ?? otherwise)
}
