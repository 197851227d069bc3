/* Before anything is drawn: the theme that was chosen here. No module, so that the page does not
 * flash in the other one. */
(function () {
  'use strict';
  try {
    var theme = localStorage.getItem('firn.theme');
    if (theme === 'light' || theme === 'dark')
      document.documentElement.dataset.theme = theme;
  } catch (error) {
    /* no storage: the system's theme */
  }
})();
