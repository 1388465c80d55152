// Runs before anything is drawn, so that a chosen theme does not flash.
try {
  const theme = localStorage.getItem('autotrack.theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // A browser that keeps nothing: the theme of the system holds.
}
