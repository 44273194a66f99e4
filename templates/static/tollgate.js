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
        show('refused', `This page can’t ask any more (${answer.status}). Load it again, and sign in if it says so.`);
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
