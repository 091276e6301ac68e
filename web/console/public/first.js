// Runs before the first paint, so that a dark or right-to-left page does not flash light and left-to-right.
(function () {
  var root = document.documentElement;
  var theme, language;
  try {
    theme = localStorage.getItem('holdfast.theme');
    language = localStorage.getItem('holdfast.language');
  } catch (e) {
    // A browser that forbids storage gets what it asks for.
  }
  root.dataset.theme = theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  language = language || (navigator.language || 'en').slice(0, 2);
  if (language === 'fa') root.dir = 'rtl';
  if (language === 'fa' || language === 'ru') root.lang = language;
})();
