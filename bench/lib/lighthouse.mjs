// SPDX-License-Identifier: MIT
// lighthouse.mjs URL ROUNDS PATH...: a row of Markdown each; what costs points
// goes to stderr. Cookies come on stdin; /login is asked for without.
import fs from 'node:fs';
import * as launcher from 'chrome-launcher';
import lighthouse from 'lighthouse';

const [url, rounds, ...paths] = process.argv.slice(2);
const cookies = fs.readFileSync(0, 'utf8').trim();
const categories = ['performance', 'accessibility', 'best-practices'];
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];

const chrome = await launcher.launch({
  chromePath: process.env.TG_CHROMIUM ?? '/usr/bin/chromium',
  chromeFlags: ['--headless=new', '--no-sandbox', '--disable-gpu'],
});
try {
  for (const path of paths) {
    const scores = categories.map(() => []);
    const faults = new Set();
    for (let i = 0; i < rounds; i += 1) {
      const { lhr } = await lighthouse(url + path, {
        port: chrome.port,
        onlyCategories: categories,
        logLevel: 'error',
        extraHeaders: path === '/login' ? {} : { Cookie: cookies },
      });
      if (!lhr.finalDisplayedUrl.startsWith(url + path)) throw new Error(`${path} led to ${lhr.finalDisplayedUrl}`);
      categories.forEach((name, c) => scores[c].push(lhr.categories[name].score * 100));
      Object.values(lhr.audits).filter((a) => a.score !== null && a.score < 0.9)
        .forEach((a) => faults.add(`${path}: ${a.id} ${a.displayValue ?? ''}`));
    }
    process.stdout.write(`| \`${path}\` | ${scores.map(median).map(Math.round).join(' | ')} |\n`);
    faults.forEach((fault) => process.stderr.write(`${fault}\n`));
  }
} finally {
  chrome.kill();
}
