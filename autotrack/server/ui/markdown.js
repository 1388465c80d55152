// Markdown as elements: headings, lists, quotes, code, emphasis, links. Whatever else it holds stays text.
import { html } from './html.js'

/** @param {{text: string}} given */
export function Markdown({ text }) {
  return html`<div class="markdown">${blocks(text)}</div>`
}

/** @param {string} text @returns {any[]} */
export function blocks(text) {
  const lines = text.replaceAll('\r\n', '\n').split('\n')
  const found = []
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]
    const fence = /^(```|~~~)\s*\w*\s*$/.exec(line)
    const heading = /^(#{1,6})\s+(.*)$/.exec(line)
    const item = /^\s*([-*+]|\d{1,9}[.)])\s+/.exec(line)
    if (!line.trim()) at += 1
    else if (fence) {
      const end = lines.findIndex((each, index) => index > at && each.startsWith(fence[1]))
      const until = end < 0 ? lines.length : end
      found.push(html`<pre><code>${lines.slice(at + 1, until).join('\n')}</code></pre>`)
      at = until + 1
    } else if (heading) {
      const Tag = `h${Math.min(6, heading[1].length + 2)}`
      found.push(html`<${Tag}>${inline(heading[2])}<//>`)
      at += 1
    } else if (item) {
      const start = at
      while (at < lines.length && /^\s*([-*+]|\d{1,9}[.)])\s+/.test(lines[at])) at += 1
      const items = lines.slice(start, at).map((each) => html`<li>${inline(each.replace(/^\s*([-*+]|\d{1,9}[.)])\s+/, ''))}</li>`)
      found.push(/^\d/.test(item[1]) ? html`<ol>${items}</ol>` : html`<ul>${items}</ul>`)
    } else if (line.startsWith('>')) {
      const start = at
      while (at < lines.length && lines[at].startsWith('>')) at += 1
      found.push(html`<blockquote>${inline(lines.slice(start, at).map((each) => each.replace(/^>\s?/, '')).join(' '))}</blockquote>`)
    } else if (/^(-{3,}|\*{3,})\s*$/.test(line)) {
      found.push(html`<hr />`)
      at += 1
    } else {
      const start = at
      while (at < lines.length && lines[at].trim() && !/^(#{1,6}\s|```|~~~|>|\s*([-*+]|\d{1,9}[.)])\s)/.test(lines[at])) at += 1
      if (at === start) at += 1
      found.push(html`<p>${inline(lines.slice(start, at).join('\n'))}</p>`)
    }
  }
  return found
}

const INLINE = /(`+)(.+?)\1|\*\*([^*]+)\*\*|\*([^*\n]+)\*|\b_([^_\n]+)_\b|\[([^\]\n]*)\]\(([^()\s]*)\)|(https?:\/\/[^\s<>()"']+)/s

/** @param {string} text @returns {any[]} */
export function inline(text) {
  const found = []
  for (let rest = text; rest; ) {
    const match = INLINE.exec(rest)
    if (!match) return [...found, rest]
    const [whole, , code, strong, soft, softer, label, target, bare] = match
    if (match.index) found.push(rest.slice(0, match.index))
    if (code !== undefined) found.push(html`<code>${code}</code>`)
    else if (strong !== undefined) found.push(html`<strong>${strong}</strong>`)
    else if (soft !== undefined || softer !== undefined) found.push(html`<em>${soft ?? softer}</em>`)
    else {
      const href = safe(bare ?? target)
      found.push(href ? html`<a href=${href} rel="noreferrer noopener" target="_blank">${bare ?? (label || target)}</a>` : whole)
    }
    rest = rest.slice(match.index + whole.length)
  }
  return found
}

/** An address that a link may have: the web's, mail's, or one of this server's. @param {string} address */
export function safe(address) {
  if (/^(https?:\/\/|mailto:)/i.test(address)) return address
  return /^\/(?![/\\])|^#/.test(address) ? address : null
}
