// A person in front of Chromium who uses the keyboard alone; scripts of pages do not run. It tells what it saw on each page.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { serve } from './lines.mjs';
import { facts, launched, narrow, press } from './person.mjs';

let browser;
let pages; // of ours, in another site's name and the client's

serve(
  {
    async start({ program }) {
      browser = await launched(program);
      pages = createServer((request, response) => {
        response.setHeader('content-type', 'text/html; charset=utf-8');
        const asked = new URL(request.url, 'http://x').searchParams;
        const fields = [...asked].filter(([name]) => name !== 'to');
        const inputs = fields.map(([name, value]) => `<input type=hidden name="${name}" value="${value}">`).join('');
        const form = `<form method=post action="${asked.get('to')}">${inputs}<button name=go value=1>go</button></form>`;
        response.end(request.url.startsWith('/trap') ? `<!doctype html>${form}` : '<!doctype html>back');
      });
      await once(pages.listen(0, '127.0.0.1'), 'listening');
      const { port } = pages.address();
      // Two names, two sites.
      return { back: `http://127.0.0.1:${port}/back`, trap: `http://localhost:${port}/trap`, version: await browser.version() };
    },

    // A browser of its own; `language` is what it prefers.
    async sign_in({ url, language, provider, person, answer, pictures }) {
      const context = await browser.createBrowserContext();
      try {
        const page = await context.newPage();
        await narrow(page, language);
        const asked = new Set();
        page.on('request', (request) => asked.add(new URL(request.url()).origin));
        const seen = {};
        const look = async (name) => {
          seen[name] = await page.evaluate(facts);
          await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
        };
        await page.goto(url);
        await look('choice');
        seen.choice.pressed = await press(page, 'provider', provider);
        await press(page, 'person', person);
        await look('consent');
        seen.consent.pressed = await press(page, 'answer', answer);
        const cookies = (await context.cookies()).filter(({ name }) => name.startsWith('__Host-'));
        return { back: page.url(), seen, asked: [...asked], cookies };
      } finally {
        await context.close();
      }
    },

    // Somebody who is signed in opens a page of another site, which sends a form in his name.
    async trapped({ url, provider, person, answer, trap, to }) {
      const context = await browser.createBrowserContext();
      try {
        const page = await context.newPage();
        await page.setJavaScriptEnabled(false);
        await page.goto(url);
        await press(page, 'provider', provider);
        await press(page, 'person', person);
        const login = await page.$eval('[name=login]', (field) => field.value);
        const tries = {};
        for (const [name, fields] of Object.entries(to)) {
          const other = await context.newPage();
          await other.setJavaScriptEnabled(false);
          const query = new URLSearchParams({ login, answer, ...fields });
          await other.goto(`${trap}?${query}`);
          await other.keyboard.press('Tab');
          const [response] = await Promise.all([other.waitForNavigation(), other.keyboard.press('Enter')]);
          tries[name] = { status: response.status(), at: other.url(), text: await other.evaluate(() => document.body.innerText) };
        }
        return { tries, after: (await press(page, 'answer', answer)) && page.url() };
      } finally {
        await context.close();
      }
    },
  },
  async () => {
    pages?.close();
    await browser?.close();
  },
);
