// SPDX-License-Identifier: MIT
// Our tokens against those of three npm packages:
//   gpt-tokenizer  its published vectors, and texts made here of many scripts,
//                  symbols, white space, code and runs
//   tiktoken       the Rust program that the models' maker runs, as WebAssembly:
//                  the same texts, each character there is, and the characters
//                  about which JavaScript's regular expressions think otherwise
//   kitoken        runs of 1 MiB, over which the other two sit for minutes to
//                  hours: their time grows with the square of a piece's length
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync }
  from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { assert, done, test } from './tap.mjs';

// White space is U+0085 to tiktoken and U+FEFF to JavaScript; U+017F folds to s
// in tiktoken's contractions ("it'\u017f").
const strange = ['\u0085', '\ufeff', '\u017f'];
const is_strange = new RegExp(`[${strange.join('')}]`);

const build = process.env.TOLLGATE_BUILD_DIR ?? 'build';
const require = createRequire(import.meta.url);
const data = join(dirname(require.resolve('gpt-tokenizer')), '..', 'data');
const dir = mkdtempSync(join(tmpdir(), 'tollgate-tokens.'));
const encodings = ['r50k_base', 'cl100k_base', 'o200k_base'];
const texts_each = 12000;
const long_bytes = 1 << 20;

function run(program, args, input) {
  const r = spawnSync(program, args, { input, maxBuffer: 1 << 30 });
  assert.equal(r.status, 0, `${program}: ${r.stderr}`);
  return r.stdout;
}

const tokens_batch = (args, input) =>
  run(join(build, 'tests/support/tokens_batch'), args, input);

// Our tokens of each text.
function encode(encoding, texts) {
  const parts = [];
  for (const text of texts) {
    const bytes = Buffer.from(text, 'utf8');
    const n = Buffer.alloc(4);
    n.writeUInt32LE(bytes.length);
    parts.push(n, bytes);
  }
  const out = tokens_batch([join(dir, `${encoding}.tokens`)],
    Buffer.concat(parts));
  const all = [];
  for (let at = 0; at < out.length;) {
    const n = out.readUInt32LE(at);
    const ids = [];
    for (let i = 1; i <= n; i++) ids.push(out.readUInt32LE(at + 4 * i));
    all.push(ids);
    at += 4 + 4 * n;
  }
  assert.equal(all.length, texts.length);
  return all;
}

// --- texts ------------------------------------------------------------------

let seed = 20260101;
function below(n) { // mulberry32
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % n;
}
const pick = (list) => list[below(list.length)];
const many = (n, f) => Array.from({ length: n }, f).join('');

// First and last characters of scripts and of kinds of symbols.
const blocks = [[0x20, 0x7e], [0xa0, 0x24f], [0x250, 0x36f], [0x370, 0x3ff],
  [0x400, 0x52f], [0x531, 0x58a], [0x591, 0x5f4], [0x600, 0x6ff],
  [0x900, 0x97f], [0x980, 0x9fd], [0xa01, 0xa76], [0xb82, 0xbfa],
  [0xe01, 0xe5b], [0xf00, 0xfda], [0x1000, 0x109f], [0x10a0, 0x10ff],
  [0x1100, 0x11ff], [0x1200, 0x137c], [0x13a0, 0x13fd], [0x1780, 0x17f9],
  [0x1820, 0x1878], [0x1e00, 0x1fff], [0x2000, 0x2bff], [0x3000, 0x30ff],
  [0x3105, 0x312f], [0x4e00, 0x9fff], [0xa000, 0xa48c], [0xac00, 0xd7a3],
  [0xf900, 0xfa6d], [0xfb00, 0xfdff], [0xfe20, 0xfeff], [0xff01, 0xffee],
  [0x10000, 0x100fa], [0x10400, 0x1044f], [0x12000, 0x12399],
  [0x1d400, 0x1d7ff], [0x1f300, 0x1f64f], [0x1f680, 0x1f6d7],
  [0x1f900, 0x1f9ff], [0x20000, 0x2a6dd], [0xe0020, 0xe007f]];
function character(block) {
  for (;;) {
    const s = String.fromCodePoint(block[0] + below(block[1] - block[0] + 1));
    if (!is_strange.test(s) && !/\p{Cn}/u.test(s)) return s;
  }
}

const words = ['the', 'The', 'THE', ' the', 'tokenizer', "don't", "WE'LL",
  "I'm", "it's", "y'all'd've", 'HTTPServer', 'camelCase', 'snake_case', ' ',
  'na\u00efve', 'stra\u00dfe', '\u4f60\u597d', '\u0417\u0434\u0440', '1', '42', '2026',
  '1234567', '3.14', '0x7f', '--', '...', '!!!', '/*', '*/', '//', '\\n',
  '{}', '();', '=>', '!==', '<|endoftext|>', '<div>', '</a>', 'https://'];
const spaces = [' ', '  ', '   ', '\n', '\n\n', '\r\n', '\t', ' \n', '\n ',
  '\u00a0', '\u3000', '\u2003', '\u2028', '\v', '\f', '        '];
const emoji = ['\u{1f600}', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}', '\u{1f44d}\u{1f3fd}',
  '\u{1f1eb}\u{1f1ee}', '\u2764\ufe0f', '\u{1f9d1}\u200d\u{1f4bb}', '1\ufe0f\u20e3'];
const code = ['if (x) {\n\treturn y;\n}\n', 'def f(a, b=1):\n    return a\n',
  '\n\n\n', '    ', '#include <stdio.h>\r\n', 'SELECT * FROM t;\n'];

const kinds = [
  () => { const b = pick(blocks); return many(1 + below(40), () => character(b)); },
  () => many(1 + below(60), () => character(pick(blocks))),
  () => many(1 + below(40), () => pick(words) + pick(spaces)),
  () => many(1 + below(40), () => pick([pick(words), pick(spaces)])),
  () => many(1 + below(20), () => pick([pick(emoji), pick(words), ' '])),
  () => many(1 + below(20), () => pick(code)),
  () => many(1 + below(12), () => pick(spaces)),
  () => many(1 + below(300), () => String.fromCharCode(97 + below(26))),
  () => many(1 + below(300), () => pick(['a', 'A', '\u3042', '\u0301', "'s"])),
  () => pick(['a', ' ', '\n', '=', '0', '\u4f60', '\u{1f600}']).repeat(1 + below(600)),
  // Halves of surrogate pairs, which become U+FFFD.
  () => many(1 + below(20), () => pick(['\ud83d', '\ude00', 'x', ' ', '\u{1f600}'])),
];

// The strange characters where they count: in contractions and among white space.
const strange_kinds = [
  () => many(1 + below(12), () => pick([pick(strange), pick(spaces)])) +
    pick(strange) + pick(['', 'a', '1', '!', '\n']),
  () => many(1 + below(20), () => pick([pick(strange), pick(spaces), pick(words)])) +
    pick(strange),
  // That U+017F folds is seen where a token ends in the apostrophe: o200k's " I'".
  () => pick([' I', 'it', 'IT', '1', ' ', '!']) + pick(["'", '\u2019', '']) +
    pick(strange) + pick(['', 's', 'S', 't', ' ', '\u017f', '\u0301', '1']),
  () => many(1 + below(30), () => pick([pick(strange), "'", 's', 'S', 'A', ' ',
    character(pick(blocks))])) + pick(strange),
];

// Each character that libunistring knows: the tables of Node and tiktoken may be
// of a later Unicode, and what is new there has no class here.
function texts_of_all_characters() {
  const known = tokens_batch(['--characters']);
  const texts = [];
  for (let at = 0; at < known.length;) {
    let text = '', row = '';
    for (let i = 0; i < 8 && at < known.length; i++, at += 4) {
      const c = String.fromCodePoint(known.readUInt32LE(at));
      text += `a${c}1${c} ${c}${c}!${c}'${c}\n`;
      row += c;
    }
    // Most tokens are of one script: so beside its neighbours, too.
    text += `${row} ${row}${row}1`;
    texts.push(text);
  }
  return texts;
}

// 1 MiB of each: mostly one piece, whose merges are all of the work.
const runs = { a: 'a', space: ' ', newline: '\n', digit: '7', emoji: '\u{1f600}',
  'CJK letter': '\u4f60', 'two letters': 'ab' };
function long_texts() {
  const texts = Object.entries(runs).map(([name, s]) =>
    [name, s.repeat(long_bytes / Buffer.byteLength(s))]);
  texts.push(['letters by chance',
    many(long_bytes, () => String.fromCharCode(97 + below(26)))]);
  return texts;
}

// --- tests ------------------------------------------------------------------

function vectors() {
  const found = [];
  for (const block of readFileSync(join(data, 'TestPlans.txt'), 'utf8')
    .split(/^EncodingName: /m).slice(1)) {
    const m = /^(\S+)\nSample: ([^]*?)\nEncoded: (\[.*\])/.exec(block);
    found.push({ encoding: m[1], text: m[2], ids: JSON.parse(m[3]) });
  }
  return found;
}

// The same encoding by the npm packages. Of kitoken it is only the merging: on
// long pieces its expressions fail, so gpt-tokenizer's do the cutting.
function others(encoding) {
  const gpt_tokenizer = require(`gpt-tokenizer/encoding/${encoding}`);
  const tiktoken = require('tiktoken').get_encoding(encoding);
  const { Kitoken } = require('kitoken/node');
  const pieces = require('gpt-tokenizer/cjs/encodingParams/constants')[
    `${encoding.replace('_base', '').toUpperCase()}_TOKEN_SPLIT_REGEX`];
  const kitoken = Kitoken.from_tiktoken(readFileSync(join(data, `${encoding}.tiktoken`)));
  const config = kitoken.config();
  config.split = [];
  kitoken.set_config(config);
  return {
    gpt_tokenizer: (text) =>
      gpt_tokenizer.encode(text, { disallowedSpecial: new Set() }),
    tiktoken: (text) => [...tiktoken.encode_ordinary(text)],
    kitoken: (text) =>
      [...text.matchAll(pieces)].flatMap(([piece]) => [...kitoken.encode(piece, false)]),
    free: () => {
      tiktoken.free();
      kitoken.free();
    },
  };
}

// As assert.deepEqual, which takes minutes over what these have to say.
const same = (a, b) => a.length === b.length && a.every((id, i) => id === b[i]);

// The tool with rank files of a folder; what it says.
function fetch(from, args) {
  return spawnSync('tools/fetch-tokenizers', ['--from', from, '--dir', dir,
    '--tollgate', join(build, 'src/admin/tollgate'), ...args],
  { encoding: 'utf8' });
}

try {
  await test('fetch-tokenizers: a changed rank file is refused', () => {
    const file = join(dir, 'r50k_base.tiktoken');
    writeFileSync(file, readFileSync(join(data, 'r50k_base.tiktoken'), 'utf8')
      .replace(' 300\n', ' 301\n'));
    const r = fetch(dir, ['r50k_base']);
    assert.equal(r.status, 1);
    assert.match(r.stderr, /checksum is another/);
    assert.ok(!existsSync(join(dir, 'r50k_base.tokens')));
  });

  await test('fetch-tokenizers makes all encodings', () => {
    const r = fetch(data, []);
    assert.equal(r.status, 0, r.stderr);
    for (const encoding of encodings)
      assert.ok(existsSync(join(dir, `${encoding}.tokens`)), encoding);
  });

  for (const encoding of encodings) {
    await test(`${encoding}: published vectors`, () => {
      const cases = vectors().filter((v) => v.encoding === encoding);
      assert.ok(cases.length >= 50, `${cases.length} vectors`);
      encode(encoding, cases.map((v) => v.text)).forEach((ids, i) => {
        assert.deepEqual(ids, cases[i].ids, JSON.stringify(cases[i].text));
      });
    });

    const theirs = others(encoding);
    const compare = (texts, which) =>
      encode(encoding, texts).forEach((ids, i) => {
        for (const name of which)
          assert.deepEqual(ids, theirs[name](texts[i]),
            `${name}: ${JSON.stringify(texts[i])}`);
      });

    await test(`${encoding}: ${texts_each} texts made here, as gpt-tokenizer and tiktoken`, () => {
      const texts = Array.from({ length: texts_each },
        (_, i) => kinds[i % kinds.length]().toWellFormed());
      assert.ok(!texts.some((text) => is_strange.test(text)));
      compare(texts, ['gpt_tokenizer', 'tiktoken']);
    });

    await test(`${encoding}: U+0085, U+FEFF, U+017F, as tiktoken`, () => {
      compare(Array.from({ length: 2000 },
        (_, i) => strange_kinds[i % strange_kinds.length]()), ['tiktoken']);
    });

    await test(`${encoding}: each character, as tiktoken`, () => {
      const texts = texts_of_all_characters();
      assert.ok(texts.length > 15000, `${texts.length} texts`);
      compare(texts, ['tiktoken']);
    });

    await test(`${encoding}: 1 MiB of one letter and the like, as kitoken`, () => {
      for (const [name, text] of long_texts()) {
        const part = text.slice(0, 4096);
        assert.deepEqual(theirs.kitoken(part), theirs.tiktoken(part),
          `the referee: ${name}`);
        const [ids] = encode(encoding, [text]);
        assert.ok(same(ids, theirs.kitoken(text)), name);
      }
    });
    theirs.free();
  }

  // OpenAI's cookbook, "How to count tokens with tiktoken", section 6.
  await test('tokens count --request chat: the published example', () => {
    const file = join(dir, 'example.json');
    writeFileSync(file, JSON.stringify({ messages: [
      ['system', undefined, 'You are a helpful, pattern-following assistant that translates corporate jargon into plain English.'],
      ['system', 'example_user', 'New synergies will help drive top-line growth.'],
      ['system', 'example_assistant', 'Things working well together will increase revenue.'],
      ['system', 'example_user', "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."],
      ['system', 'example_assistant', "Let's talk later when we're less busy about how to do better."],
      ['user', undefined, "This late pivot means we don't have time to boil the ocean for the client deliverable."],
    ].map(([role, name, content]) => ({ role, name, content })) }));
    for (const [encoding, tokens] of [['cl100k_base', 129], ['o200k_base', 124]]) {
      const r = spawnSync(join(build, 'src/admin/tollgate'), ['tokens', 'count',
        '--file', join(dir, `${encoding}.tokens`), '--request', 'chat', '--json', file],
      { encoding: 'utf8' });
      assert.equal(JSON.parse(r.stdout).tokens, tokens, r.stderr);
    }
  });
} finally {
  rmSync(dir, { recursive: true });
}
done();
