// Drives npm's soap, a SOAP client that knows a service by its WSDL alone. What it reads and writes is that of
// soap_zeep.py. It judges nothing.

import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

// The packages are not beside this file.
const { BasicAuthSecurity, createClientAsync } = createRequire(process.argv[2])('soap');

const wanted = JSON.parse(await text(process.stdin));

// The library takes the version of SOAP from an option, not from the port.
const client = async (forceSoap12Headers) => {
  const made = await createClientAsync(wanted.wsdl, { forceSoap12Headers, disableCache: true });
  made.setSecurity(new BasicAuthSecurity(wanted.user, wanted.password));
  return made;
};
const clients = { 11: await client(false), 12: await client(true) };

const portsOf = (made) => Object.values(made.describe())[0];
const serviceOf = (made) => made[Object.keys(made.describe())[0]];

const told = (fault) => ({
  code: fault.faultcode ?? fault.Code?.Value,
  message: textOf(fault.faultstring ?? fault.Reason?.Text),
  detail: fault.detail ?? fault.Detail ?? null,
});
const textOf = (value) => (Array.isArray(value) ? textOf(value[0]) : (value?.$value ?? value));

const results = [];
for (const { port, operation, arguments: given } of wanted.calls) {
  const made = clients[port.includes('Soap12') ? 12 : 11];
  results.push(
    await new Promise((done) => {
      serviceOf(made)[port][operation](JSON.parse(given), (error, value) => {
        const fault = error?.root?.Envelope?.Body?.Fault;
        if (fault) done({ fault: told(fault) });
        else if (error) done({ error: String(error.message) });
        else done({ value });
      });
    }),
  );
}
console.log(JSON.stringify({ ports: Object.keys(portsOf(clients[11])).sort(), results }));
