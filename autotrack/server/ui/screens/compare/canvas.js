// A canvas ready to be drawn on, as sharp as the screen; and the colours of the theme.

/** @param {HTMLCanvasElement | null | undefined} canvas @param {number} width @param {number} height */
export function prepared(canvas, width, height) {
  const context = canvas?.getContext('2d')
  if (!canvas || !context || width <= 0) return null
  const ratio = devicePixelRatio || 1
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  return context
}

/** A colour of the theme. @param {string} name */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** True where light stands on dark. */
export const isDark = () => getComputedStyle(document.documentElement).colorScheme === 'dark'
