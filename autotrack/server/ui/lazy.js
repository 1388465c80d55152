// Components whose module is fetched when they are first drawn.
import { signal } from '@preact/signals'
import { html } from './html.js'
import { Failed } from './states.js'

/**
 * A component that stands for one of a module that comes later.
 * @param {() => Promise<any>} load @param {string} name what the module calls it @param {any} [meanwhile]
 */
export function lazy(load, name, meanwhile = null) {
  const part = signal(/** @type {any} */ (null))
  let asked = false
  const ask = async () => {
    if (asked) return
    asked = true
    try {
      part.value = (await load())[name]
    } catch (error) {
      asked = false
      part.value = () => html`<${Failed} what="a part of the page" error=${error} retry=${ask} />`
    }
  }
  return (/** @type {any} */ given) => {
    void ask()
    const Part = part.value
    return Part ? html`<${Part} ...${given} />` : meanwhile
  }
}
