// Somebody pays in front of Chromium, by the keyboard alone; scripts of pages do not run. It tells what it saw on each page.

import { join } from 'node:path';

import { packages, serve } from '../brokers/lines.mjs';
import { facts, launched, narrow, press } from '../brokers/person.mjs';

const jsQR = packages('jsqr');
const { PNG } = packages('pngjs');

const MOST_LOOKS = 10; // a page that waits looks again by itself

let browser;
let open; // a page that stays while something else happens

// What a page is like; it is asked again when it loaded itself anew meanwhile.
const told = async (page, question) => {
  for (let left = MOST_LOOKS; ; left -= 1) {
    try {
      return await page.evaluate(question);
    } catch (error) {
      if (left === 0 || !/context|navigat/i.test(error.message)) throw error;
    }
  }
};

// How often a page loads itself anew until its heading is one of these.
const until = async (page, headings, first = async () => {}) => {
  const said = () => told(page, () => document.querySelector('h1')?.textContent.trim());
  let looks = 0;
  while (!headings.includes(await said()) && looks < MOST_LOOKS) {
    if (looks === 0) await first();
    await page.waitForNavigation();
    looks += 1;
  }
  return looks;
};

const seen = async (page) => ({ ...(await told(page, facts)), links: await told(page, links), at: page.url() });

const links = () =>
  [...document.querySelectorAll('a')].map(({ href, lang, textContent }) => ({ href, lang, name: textContent.trim() }));

serve(
  {
    async start({ program }) {
      browser = await launched(program);
      return browser.version();
    },

    // From the page where one chooses to where one ends; `headings` are those of a page that has nothing more to say.
    async pay({ url, language, provider, act, headings, pictures, name, by_hand }) {
      const context = await browser.createBrowserContext();
      try {
        const page = await context.newPage();
        await narrow(page, language);
        const asked = new Set();
        page.on('request', (request) => asked.add(new URL(request.url()).origin));
        const saw = {};
        const look = async (what) => {
          saw[what] = await seen(page);
          await page.screenshot({ path: join(pictures, `${name}-${what}.png`), fullPage: true });
        };
        await page.goto(url);
        await look('choice');
        saw.choice.pressed = await press(page, 'provider', provider);
        await look('provider');
        await press(page, 'act', act);
        if (by_hand) await page.goto(url);
        const looks = await until(page, headings, () => look('waiting'));
        await look('end');
        return { seen: saw, looks, asked: [...asked], cookies: (await context.cookies()).length };
      } finally {
        await context.close();
      }
    },

    // One page.
    async visit({ url, language, pictures, name }) {
      const context = await browser.createBrowserContext();
      try {
        const page = await context.newPage();
        await narrow(page, language);
        await page.goto(url);
        await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
        return await seen(page);
      } finally {
        await context.close();
      }
    },

    // A page with a code, which somebody reads from the screen; it stays open.
    async scan({ url, language, pictures, name }) {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await narrow(page, language);
      await page.goto(url);
      const picture = await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
      const { data, width, height } = PNG.sync.read(Buffer.from(picture));
      open = { context, page };
      return { ...(await seen(page)), code: jsQR(new Uint8ClampedArray(data), width, height)?.data ?? null };
    },
    // What became of it.
    async wait({ headings, pictures, name }) {
      const { context, page } = open;
      try {
        await until(page, headings);
        await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
        return await seen(page);
      } finally {
        await context.close();
      }
    },
  },
  () => browser?.close(),
);
