// SPDX-License-Identifier: MIT
// What pages do better with script; each of them works without.
'use strict';

// A button with data-copy copies the text of the element of that id.
document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-copy]');
  const from = button && document.getElementById(button.dataset.copy);
  if (!from) return;
  navigator.clipboard.writeText(from.textContent.trim()).then(() => {
    const name = button.textContent;
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = name; }, 2000);
  });
});
document.documentElement.classList.add('has-script');
