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

// A page with live-state asks every 2 s whether it has changed, while it is
// seen. Its address answers 304 without a body if not; else the parts with
// data-live are put in place one by one. Nothing is animated or read out.
(() => {
  const EVERY_MS = 2000;
  const LATEST_MS = 60000;
  const find = (doc, what) => doc.querySelector(what);
  const parts = (doc) => [...doc.querySelectorAll('[data-live]')];
  const names = (doc) => parts(doc).map((part) => part.id).join();
  let tag = find(document, '#live-state')?.dataset.tag;
  let wait = EVERY_MS;
  let timer;
  let isBusy = false;

  function say(text, is) {
    const state = find(document, '#live-state');
    if (state.textContent !== text) state.textContent = text;
    state.dataset.is = is;
  }

  function show(doc) {
    let next = find(doc, '#live-state').dataset.tag;
    // The first request makes another page of it.
    if (names(doc) !== names(document)) find(document, 'main').replaceWith(find(doc, 'main'));
    else {
      parts(document).forEach((part) => {
        const fresh = doc.getElementById(part.id);
        if (part.innerHTML === fresh.innerHTML) return;
        // What somebody's keyboard is in waits until it has left.
        if (part.contains(document.activeElement)) next = tag;
        else part.replaceChildren(...fresh.childNodes);
      });
    }
    tag = next;
  }

  async function ask() {
    const answer = await fetch(document.location.href, {
      headers: { 'If-None-Match': `W/"${tag}"` },
      cache: 'no-store',
      redirect: 'manual',
      signal: AbortSignal.timeout(LATEST_MS),
    });
    if (answer.status === 304) return true;
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    // Signed out, or the customer is gone: asking again won't help.
    else if (!answer.status || answer.status < 500) return false;
    else throw new Error(answer.status);
    return true;
  }

  async function round() {
    if (isBusy || document.visibilityState !== 'visible') return;
    isBusy = true;
    try {
      if (!await ask()) {
        say('Not live: reload the page', 'off');
        return;
      }
      wait = EVERY_MS;
      say('Live', 'on');
    } catch {
      wait = Math.min(2 * wait, LATEST_MS);
      say('Not live: trying again', 'off');
    } finally {
      isBusy = false;
    }
    timer = setTimeout(round, wait);
  }

  if (!tag) return;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    round();
  });
  timer = setTimeout(round, EVERY_MS);
})();
