// What a person does in front of Chromium with the keyboard alone, and what he sees there.

import { packages } from './lines.mjs';

const puppeteer = packages('puppeteer-core');

const MOST_TABS = 30;

export const launched = (program) =>
  puppeteer.launch({
    executablePath: program,
    timeout: 60_000,
    pipe: true, // it ends with this program, however that ends
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-gpu', '--disable-dev-shm-usage', '--disable-extensions'],
  });

// A narrow screen without scripts.
export const narrow = async (page, language) => {
  await page.setViewport({ width: 320, height: 640 });
  await page.setJavaScriptEnabled(false);
  await page.setExtraHTTPHeaders({ 'accept-language': language });
};

// What a page is like for somebody who cannot see it, or sees it on a narrow screen.
export const facts = () => {
  const shown = (element) => element.getBoundingClientRect().height > 0;
  const named = (element) => (element.getAttribute('aria-label') ?? element.textContent).trim();
  return {
    lang: document.documentElement.lang,
    title: document.title,
    headings: [...document.querySelectorAll('h1')].map(named),
    mains: document.querySelectorAll('main').length,
    buttons: [...document.querySelectorAll('button')].filter(shown).map(named),
    scripts: document.scripts.length,
    overflows: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    text: document.body.innerText,
  };
};

// What has the focus, and whether somebody who sees would notice.
const focused = () => {
  const { activeElement: element } = document;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  return {
    name: element.getAttribute('name'),
    value: element.getAttribute('value'),
    visible: outlineStyle !== 'none' && parseFloat(outlineWidth) > 0,
  };
};

// Goes to a button with Tab and presses it with Enter.
export const press = async (page, name, value) => {
  for (let tabs = 1; tabs <= MOST_TABS; tabs += 1) {
    await page.keyboard.press('Tab');
    const now = await page.evaluate(focused);
    if (now.name === name && now.value === value) {
      await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
      return { tabs, visible: now.visible };
    }
  }
  throw new Error(`no way to ${name}=${value} at ${page.url()} by keyboard`);
};
