// What the registry says, as the pages ask it; and moving an alias, with the way back.
import { send } from '../../api.js'
import { refresh, useJson } from '../../data.js'
import { attempt } from '../../notice.js'
import { path } from '../../router.js'

/** The address of a model's page or of a part of it. @param {string} name @param {...string} rest */
export const modelPath = (name, ...rest) => path('models', name.replaceAll('/', '%2F'), ...rest)

/** The versions of a model, newest first. @param {string} name */
export function useVersions(name) {
  return useJson('/versions', { filter: `name = '${name.replaceAll("'", "''")}'`, max_results: 1000 }, { keep: true })
}

/** The run of a version, where the version says one. @param {string | null | undefined} id */
export const useRun = (id) => useJson(id ? `/runs/${encodeURIComponent(id)}` : null)

/** Asks the registry again. */
export const reread = () => refresh((key) => /^\/(models|versions)/.test(key))

/** @param {string} name @param {string} alias */
const at = (name, alias) => `/models/${encodeURIComponent(name)}/aliases/${encodeURIComponent(alias)}`

/**
 * Has an alias stand for a version, or for none; it can be undone for a while.
 * @param {string} name @param {string} alias @param {number | null} from @param {number | null} to
 */
export async function move(name, alias, from, to) {
  const put = async (/** @type {number | null} */ version) => {
    if (version === null) await send('DELETE', at(name, alias))
    else await send('PUT', at(name, alias), { version })
    reread()
  }
  const said = to === null ? `@${alias} taken away from v${from}` : from === null ? `@${alias} is v${to}` : `@${alias} moved from v${from} to v${to}`
  return attempt(() => put(to), said, () => put(from))
}
