// SPDX-License-Identifier: MIT
// What pages do better with script; each of them works without.
'use strict';

// A button with data-copy copies the text of the element of that id.
document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-copy]');
  const from = button && document.getElementById(button.dataset.copy);
  if (!from) return;
  const say = () => {
    const name = button.textContent;
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = name; }, 2000);
  };
  // By plain HTTP, or if it is forbidden: marked at least, to be copied by hand.
  const mark = () => {
    getSelection().selectAllChildren(from);
    if (document.execCommand('copy')) say();
  };
  if (navigator.clipboard) navigator.clipboard.writeText(from.textContent.trim()).then(say, mark);
  else mark();
});
document.documentElement.classList.add('has-script');

// Whoever chooses a date means it; and whoever then chooses another time, that.
document.addEventListener('change', ({ target }) => {
  const { range, from, to } = target.form?.elements ?? {};
  if (!range?.querySelector('[value="custom"]')) return;
  if (target.type === 'date' && from.value) range.value = 'custom';
  if (target === range && range.value !== 'custom') for (const date of [from, to]) date.value = '';
});

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

// The playground's answer as it comes. What a provider sends is only ever text.
{
  const form = document.getElementById('play');
  const part = (name) => document.getElementById(`play-${name}`);
  const show = (name, text) => {
    part(name).textContent = text;
    part(name).hidden = !text;
  };
  const showFacts = (facts) => {
    part('facts').replaceChildren(...facts.map(([name, text]) => {
      const row = document.createElement('div');
      row.append(document.createElement('dt'), document.createElement('dd'));
      row.firstChild.textContent = name;
      row.lastChild.textContent = text;
      return row;
    }));
    part('facts').hidden = !facts.length;
  };
  const showRequest = (id) => {
    const link = part('request').querySelector('a');
    link.textContent = id;
    link.href = `${link.dataset.requests}/${encodeURIComponent(id)}`;
    part('request').hidden = false;
  };
  // An event of any wire format, or an answer that is none.
  const take = (data) => {
    const choice = data.choices?.[0];
    const text = data.text ?? choice?.delta?.content ?? choice?.text
      ?? (data.type === 'response.output_text.delta' ? data.delta : data.delta?.text);
    if (typeof text === 'string') part('text').append(text);
    part('text').hidden = !part('text').textContent;
    if (data.facts) showFacts(data.facts);
    if (data.error) show('refused', data.error.message);
    return data.facts;
  };
  const takeEvents = async (body) => {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + value).split(/\r?\n\r?\n/);
      rest = events.pop();
      for (const event of events) {
        const data = /^data: ?(\{.*)/m.exec(event);
        if (data) take(JSON.parse(data[1]));
      }
    }
  };
  let running;
  form?.addEventListener('submit', async (event) => {
    const button = form.querySelector('[type=submit]');
    const label = button.textContent;
    event.preventDefault();
    if (running) {
      running.abort();
      return;
    }
    running = new AbortController();
    button.textContent = 'Stop';
    show('refused', '');
    show('text', '');
    showFacts([]);
    part('request').hidden = true;
    part('status').textContent = 'The model answers…';
    part('status').scrollIntoView({ block: 'nearest' });
    try {
      const answer = await fetch(form.action, {
        method: 'POST',
        body: new URLSearchParams(new FormData(form)),
        headers: { Accept: 'text/event-stream' },
        signal: running.signal,
      });
      const type = answer.headers.get('content-type') ?? '';
      const id = answer.headers.get('x-request-id');
      if (type.startsWith('text/event-stream')) {
        showRequest(id);
        await takeEvents(answer.body);
      } else if (type.startsWith('application/json')) {
        if (take(await answer.json())) showRequest(id);
      } else {
        show('refused', `This page can't ask any more (${answer.status}). Load it again, and sign in if it says so.`);
      }
    } catch {
      show('refused', running.signal.aborted
        ? 'Stopped. What had been delivered is charged, as Requests shows.'
        : 'The answer broke off. Look at Requests before you ask again: what was delivered is charged.');
    }
    running = undefined;
    button.textContent = label;
    part('status').textContent = '';
  });
}
