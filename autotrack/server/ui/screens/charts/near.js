// When a card comes near the part of the page that is seen, and when it is far from it again.
import { useEffect, useState } from 'preact/hooks'
import { drawn } from '../../drawn.js'

const NEAR = 300
/** Charts that stay drawn though they are out of sight. */
const KEPT = 150

/** True while a card is near, or was, and there are not too many others. @param {{current: HTMLElement | null}} of */
export function useNear(of) {
  const [near, setNear] = useState(false)
  useEffect(() => {
    const element = /** @type {HTMLElement} */ (of.current)
    const watcher = watcherIn(scroller(element))
    heard.set(element, (isNear) => {
      if (isNear) setNear(true)
      else if (drawn.size > KEPT) setNear(false)
    })
    watcher.observe(element)
    return () => {
      watcher.unobserve(element)
      heard.delete(element)
    }
  }, [])
  return near
}

/** What is told to each card. @type {WeakMap<Element, (isNear: boolean) => void>} */
const heard = new WeakMap()

/** One for all cards of a page, of which there may be thousands. @type {WeakMap<Element | Document, IntersectionObserver>} */
const watchers = new WeakMap()

/** @param {HTMLElement | null} root */
function watcherIn(root) {
  const known = watchers.get(root ?? document)
  if (known) return known
  const tell = (/** @type {IntersectionObserverEntry[]} */ entries) => entries.forEach((entry) => heard.get(entry.target)?.(entry.isIntersecting))
  const watcher = new IntersectionObserver(tell, { root, rootMargin: `${NEAR}px` })
  watchers.set(root ?? document, watcher)
  return watcher
}

/** What an element is scrolled in; null where that is the page. @param {HTMLElement} element */
function scroller(element) {
  for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at
  return null
}
