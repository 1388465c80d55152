// When a card comes near the part of the page that is seen, and when it is far from it again.
import { useEffect, useState } from 'preact/hooks'
import { drawn } from '../../chart.js'

const NEAR = 300
/** Charts that stay drawn though they are out of sight. */
const KEPT = 150

/** True while a card is near, or was, and there are not too many others. @param {{current: HTMLElement | null}} of */
export function useNear(of) {
  const [near, setNear] = useState(false)
  useEffect(() => {
    const element = /** @type {HTMLElement} */ (of.current)
    const seen = (/** @type {IntersectionObserverEntry[]} */ entries) => {
      if (entries[entries.length - 1].isIntersecting) setNear(true)
      else if (drawn.size > KEPT) setNear(false)
    }
    const observer = new IntersectionObserver(seen, { root: scroller(element), rootMargin: `${NEAR}px` })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return near
}

/** What an element is scrolled in; null where that is the page. @param {HTMLElement} element */
function scroller(element) {
  for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at
  return null
}
