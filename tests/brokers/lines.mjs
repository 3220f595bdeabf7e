// A wish a line in, what came of it a line out, both JSON. Every program here speaks so; none judges what it sees.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

// The standard output is for answers; what libraries tell people goes elsewhere.
for (const way of ['log', 'info', 'warn', 'debug']) console[way] = console.error;

// The packages are not beside these files.
export const packages = createRequire(process.argv[2]);

// All that an error says, and the answer behind it that nobody has read.
const told = async ({ name, code, error, message, cause, response }) => {
  const answer = response?.bodyUsed === false ? await response.text() : undefined;
  const because = cause instanceof Object ? await told(cause) : undefined;
  return [name, code, error, message, answer, because].filter(Boolean).join(' | ');
};

export const serve = async (wishes, end = () => {}) => {
  for await (const line of createInterface({ input: process.stdin })) {
    const { wish, given } = JSON.parse(line);
    let said;
    try {
      said = { value: (await wishes[wish](given ?? {})) ?? null };
    } catch (error) {
      said = { error: await told(error) };
    }
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
  await end();
  process.exit(0);
};
