// How well a name fits what somebody types to find it.

/**
 * 0 where it does not fit, else more the better: the beginning, then the beginning of a word, then anywhere, then letters in order.
 * @param {string} name @param {string} words
 */
export function likeness(name, words) {
  const text = name.toLowerCase()
  const wanted = words.trim().toLowerCase()
  if (!wanted) return 1
  const at = text.indexOf(wanted)
  const short = 1 / (1 + text.length)
  if (at === 0) return 4 + short
  if (at > 0) return (/[a-z0-9]/.test(text[at - 1]) ? 2 : 3) + short
  const each = wanted.split(/\s+/)
  if (each.length > 1) return each.every((word) => text.includes(word)) ? 1.5 + short : 0
  let from = 0
  for (const letter of wanted) {
    from = text.indexOf(letter, from) + 1
    if (!from) return 0
  }
  return 1 + short
}
