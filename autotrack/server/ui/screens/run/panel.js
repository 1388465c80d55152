// A plugin's panel: its page in a frame that runs shut off, and the way by which it asks for its own run.
import { useEffect, useRef } from 'preact/hooks'
import { address, bytes, get } from '../../api.js'
import { html } from '../../html.js'
import { path } from '../../router.js'

/** @typedef {{plugin: string, name: string, title: string}} Panel */

/** @param {{run: string, panel: Panel}} given `run`: the whole id */
export function PluginPanel({ run, panel }) {
  const frame = useRef(/** @type {HTMLIFrameElement | null} */ (null))
  const handed = useRef(false)
  useEffect(() => {
    const channel = new MessageChannel()
    channel.port1.onmessage = async ({ data }) => {
      const { id, what, which } = data ?? {}
      try {
        channel.port1.postMessage({ id, answer: await answered(run, String(what), String(which ?? '')) })
      } catch (error) {
        channel.port1.postMessage({ id, error: /** @type {Error} */ (error).message })
      }
    }
    // Once: a page that leads its frame elsewhere does not take the way along.
    const hand = () => {
      if (handed.current) return
      handed.current = true
      frame.current?.contentWindow?.postMessage({ autotrack: 'panel', theme: theme() }, '*', [channel.port2])
    }
    const element = frame.current
    element?.addEventListener('load', hand)
    return () => {
      element?.removeEventListener('load', hand)
      channel.port1.close()
    }
  }, [])
  return html`<iframe ref=${frame} class="framed panel-frame" sandbox="allow-scripts" referrerpolicy="no-referrer" src=${address(path('plugins', panel.plugin, 'panels', panel.name))} title=${panel.title}></iframe>`
}

/** What a panel may have of its run: named here, of no other run. @param {string} run @param {string} what @param {string} which @returns {Promise<any>} */
export async function answered(run, what, which) {
  const at = path('runs', run)
  if (what === 'run') return get(at)
  if (what === 'metrics') return (await get(`${at}/metrics`)).metrics
  if (what === 'history') return get(`${at}/series`, { key: which })
  if (what === 'files') return (await get(`${at}/artifacts`, { path: which })).files
  if (what === 'file' && within(which)) return bytes(`${at}/artifacts${path(which)}`)
  throw new Error(`a panel cannot have ${JSON.stringify(what.slice(0, 40))} ${JSON.stringify(which.slice(0, 80))}`)
}

/** True for a path that leads nowhere but to a file of the run. @param {string} file */
export const within = (file) => file !== '' && file.split('/').every((part) => part !== '' && part !== '.' && part !== '..')

const theme = () => document.documentElement.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')
