// Which runs are selected and which one the pointer is at: shared by the table and the charts beside it.
import { computed, signal } from '@preact/signals'
import { look } from './palette.js'

/**
 * @typedef {object} Everything whatever matches, whether it has been fetched or not
 * @property {string} exp @property {string} where @property {number} total how many match
 * @property {string[]} [but] ids of those that are out again
 */
/** @typedef {{ids: string[], all: Everything | null}} Selection */

/** @type {import('@preact/signals').Signal<Selection>} */
export const selection = signal({ ids: [], all: null })

/** The experiment whose runs another page has selected: its table keeps that selection. */
export const handed = signal('')

/** The run that the pointer is at, in the table or in a chart; '' for none. */
export const hovered = signal('')

/** The position of each selected run: what its colour comes from. */
export const positions = computed(() => new Map(selection.value.ids.map((id, index) => [id, index])))

/** @param {string} id */
export function isSelected(id) {
  const { all } = selection.value
  return all ? !all.but?.includes(id) : positions.value.has(id)
}

/** @param {string[]} ids */
export function select(ids) {
  selection.value = { ids: [...new Set(ids)], all: null }
}

/** @param {string[]} ids those that are to be in, or out, together @param {boolean} [into] by default the other way than the first */
export function toggle(ids, into = !isSelected(ids[0])) {
  const { all } = selection.value
  if (all) {
    const out = (all.but ?? []).filter((id) => !ids.includes(id))
    selection.value = { ids: [], all: { ...all, but: into ? out : [...out, ...ids] } }
    return
  }
  const others = selection.value.ids.filter((id) => !ids.includes(id))
  select(into ? [...selection.value.ids, ...ids] : others)
}

/** Selects whatever matches. @param {Everything} all */
export function selectAll(all) {
  selection.value = { ids: [], all }
}

/** How many are selected. */
export const count = computed(() => {
  const { ids, all } = selection.value
  return all ? all.total - (all.but?.length ?? 0) : ids.length
})

/** What is selected, as the API takes it for many runs. */
export function selectedRuns() {
  const { ids, all } = selection.value
  return all ? { exp: [all.exp], where: all.where, but: all.but ?? [] } : { ids }
}

/** How a run is drawn: by its position among the selected, else by the one given. @param {string} id @param {number} [otherwise] */
export function lookOf(id, otherwise = 0) {
  return look(positions.value.get(id) ?? otherwise)
}
