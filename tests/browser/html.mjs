// SPDX-License-Identifier: MIT
// The goldens are written by tests/unit/handler/test_pages from the real
// handlers and templates, so what is valid there is valid on the wire.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert, done, test } from '../sdk/tap.mjs';

const require = createRequire(import.meta.url);
const { HtmlValidate, StaticConfigLoader } = require('html-validate');
const here = path.dirname(fileURLToPath(import.meta.url));
const golden = path.join(here, '../golden/web');

const checker = new HtmlValidate(new StaticConfigLoader({
  root: true,
  extends: ['html-validate:recommended'],
  rules: {
    'doctype-style': ['error', { style: 'lowercase' }],
    // A customer's name may be long.
    'long-title': 'off',
  },
}));

// Tags balanced, attributes quoted, no stray & or <: XML without a parser.
function assertWellFormed(xml) {
  const open = [];
  const token = /<(\/?)([A-Za-z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|&(?:amp|lt|gt|quot|#39);|[^<&]+/gy;
  let at = 0;
  while (at < xml.length) {
    token.lastIndex = at;
    const m = token.exec(xml);
    assert.ok(m, `not well-formed at: ${xml.slice(at, at + 60)}`);
    at = token.lastIndex;
    if (!m[2] || m[4]) continue;
    if (m[1]) assert.equal(open.pop(), m[2]);
    else open.push(m[2]);
  }
  assert.deepEqual(open, []);
}

for (const file of fs.readdirSync(golden).filter((f) => f.endsWith('.html'))) {
  const html = fs.readFileSync(path.join(golden, file), 'utf8');
  await test(`${file}: valid HTML`, async () => {
    const report = await checker.validateString(html, file);
    const found = report.results.flatMap((r) => r.messages)
      .map((m) => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`);
    assert.deepEqual(found, []);
  });
  await test(`${file}: well-formed drawings, no script, no style`, () => {
    // A chart's bars are drawings in a drawing.
    const drawings = [...html.matchAll(/<svg(?:[^<]|<(?!\/?svg\b)|<svg(?:[^<]|<(?!\/svg\b))*<\/svg>)*<\/svg>/g)];
    assert.equal(drawings.reduce((n, [svg]) => n + svg.match(/<svg\b/g).length, 0), html.match(/<svg\b/g)?.length ?? 0);
    for (const [svg] of drawings) assertWellFormed(svg);
    // But for ours, in the head.
    const rest = html.replace(/<script defer src="\/static\/tollgate\.js\?v=MASKED"><\/script>/, '');
    const bad = rest.match(/<(script|style|iframe|img)\b|<[^>]*\s(on[a-z]+|style)=/i);
    assert.equal(bad?.[0], undefined);
  });
}
done();
