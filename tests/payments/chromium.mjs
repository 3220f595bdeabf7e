// Somebody pays in front of Chromium, by the keyboard alone; scripts of pages do not run. It tells what it saw on each page.

import { join } from 'node:path';

import { serve } from '../brokers/lines.mjs';
import { facts, launched, narrow, press } from '../brokers/person.mjs';

const MOST_LOOKS = 10; // a page that waits looks again by itself

let browser;

const links = () =>
  [...document.querySelectorAll('a')].map(({ href, lang, textContent }) => ({ href, lang, name: textContent.trim() }));

serve(
  {
    async start({ program }) {
      browser = await launched(program);
      return browser.version();
    },

    // From the page where one chooses to where one ends; `headings` are those of a page that has nothing more to say.
    async pay({ url, language, provider, act, headings, pictures, name }) {
      const context = await browser.createBrowserContext();
      try {
        const page = await context.newPage();
        await narrow(page, language);
        const asked = new Set();
        page.on('request', (request) => asked.add(new URL(request.url()).origin));
        const seen = {};
        const look = async (what) => {
          seen[what] = { ...(await page.evaluate(facts)), links: await page.evaluate(links), at: page.url() };
          await page.screenshot({ path: join(pictures, `${name}-${what}.png`), fullPage: true });
        };
        await page.goto(url);
        await look('choice');
        seen.choice.pressed = await press(page, 'provider', provider);
        await look('provider');
        await press(page, 'act', act);
        const said = () => page.evaluate(() => document.querySelector('h1')?.textContent.trim());
        let looks = 0;
        while (!headings.includes(await said()) && looks < MOST_LOOKS) {
          if (looks === 0) await look('waiting');
          await page.waitForNavigation();
          looks += 1;
        }
        await look('end');
        return { seen, looks, asked: [...asked], cookies: (await context.cookies()).length };
      } finally {
        await context.close();
      }
    },

    // One page, in both languages.
    async visit({ url, language, pictures, name }) {
      const context = await browser.createBrowserContext();
      try {
        const page = await context.newPage();
        await narrow(page, language);
        await page.goto(url);
        await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
        return { ...(await page.evaluate(facts)), links: await page.evaluate(links), at: page.url() };
      } finally {
        await context.close();
      }
    },
  },
  () => browser?.close(),
);
