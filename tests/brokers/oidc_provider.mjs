// An identity provider made of npm's oidc-provider that says of people what the national ones say. Its keys are replaced while it
// runs: the new one signs at once, the old one stays to verify.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

import { packages, serve } from './lines.mjs';

const { Provider } = packages('oidc-provider');
const { exportJWK, generateKeyPair } = packages('jose');

const CLAIMS = ['sub', 'LoaiTaiKhoan', 'TechID', 'SoDinhDanh', 'HoVaTen', 'NgayThangNamSinh', 'loAs'];

let base;
let provider;
let handle;
let given; // clients and people
let keys = [];
const asked = {}; // how often, by path

// What its own memory does, kept outside of it: what began before its keys are replaced goes on.
const kept = new Map();
class Adapter {
  constructor(model) {
    this.name = (id) => `${model} ${id}`;
    this.model = model;
  }
  async upsert(id, payload) {
    kept.set(this.name(id), payload);
  }
  async find(id) {
    return kept.get(this.name(id));
  }
  async findByUid(uid) {
    return [...kept].find(([name, payload]) => name.startsWith(`${this.model} `) && payload.uid === uid)?.[1];
  }
  async consume(id) {
    kept.get(this.name(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    kept.delete(this.name(id));
  }
  async revokeByGrantId(grantId) {
    for (const [name, payload] of kept) if (payload.grantId === grantId) kept.delete(name);
  }
}

// One of each kind, in front of those that there are.
const renew = async () => {
  const fresh = ['RS256', 'ES256', 'EdDSA'].map(async (alg) => {
    const pair = await generateKeyPair(alg, { extractable: true });
    return { ...(await exportJWK(pair.privateKey)), alg, use: 'sig', kid: `${alg}-${keys.length}` };
  });
  keys = [...(await Promise.all(fresh)), ...keys];
};

const build = () => {
  provider = new Provider(base, {
    adapter: Adapter,
    jwks: { keys },
    clients: given.clients,
    acrValues: ['LoA1', 'LoA2', 'LoA3'],
    claims: { openid: CLAIMS, acr: null, auth_time: null, sid: null },
    cookies: { keys: ['of the tests'] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    interactions: { url: (_, interaction) => `${base}/interaction/${interaction.uid}` },
    pkce: { required: (_, client) => client.clientId !== 'vnconnect' },
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId, ...given.people[accountId] }) }),
    // Its own guard against addresses of this machine stays out.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  });
  for (const event of ['server_error', 'backchannel.error']) provider.on(event, (_, error) => console.error(event, error));
  handle = provider.callback();
};

const ask = async (request, response) => {
  const { params } = await provider.interactionDetails(request, response);
  if (request.method === 'GET') {
    const buttons = Object.keys(given.people).map((id) => `<button name="person" value="${id}">${id}</button>`);
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return response.end(`<!doctype html><form method="post">${buttons.join('')}</form>`);
  }
  const accountId = new URLSearchParams(await text(request)).get('person');
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope('openid');
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { login: { accountId, acr: 'LoA2' }, consent });
};

serve({
  async start(wanted) {
    given = wanted;
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url, base);
      asked[pathname] = (asked[pathname] ?? 0) + 1;
      if (pathname.startsWith('/interaction/')) {
        ask(request, response).catch((error) => {
          response.statusCode = 500;
          response.end(String(error));
        });
      } else handle(request, response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    base = `http://127.0.0.1:${server.address().port}`;
    for (const client of given.clients) client.redirect_uris = [wanted.back.replace('*', client.client_id)];
    await renew();
    build();
    return base;
  },

  async rotate() {
    await renew();
    build();
  },

  asked: ({ path }) => asked[path] ?? 0,
});
