// An identity provider made of npm's oauth2-mock-server, which says wrong things when it is told to: before it signs, in what it
// signs with, and in its answers.

import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { packages, serve } from './lines.mjs';

const { OAuth2Issuer, OAuth2Service } = packages('oauth2-mock-server');

const issuer = new OAuth2Issuer();
const service = new OAuth2Service(issuer);
const asked = {}; // how often, by path
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

let how; // what is wrong now
let own; // its key
let nonce;

const now = () => Math.floor(Date.now() / 1000);

// Before signing: the token is whole, and says something else.
const claims = {
  audience: (token) => { token.aud = 'another'; },
  audience_missing: (token) => { delete token.aud; },
  audiences_without_azp: (token) => { token.aud = [token.aud, 'another']; },
  azp: (token) => { token.azp = 'another'; },
  nonce: (token) => { token.nonce = 'of-another-login'; },
  nonce_missing: (token) => { delete token.nonce; },
  nonce_of_the_login_before: (token) => { token.nonce = nonce; },
  issuer: (token) => { token.iss = 'https://elsewhere.test'; },
  issuer_with_a_slash: (token) => { token.iss += '/'; },
  expired: (token) => { token.exp = now() - 120; },
  never_ends: (token) => { delete token.exp; },
  made_long_ago: (token) => { token.iat = now() - 3600; },
  made_in_the_future: (token) => { token.iat = now() + 3600; },
  not_yet: (token) => { token.nbf = now() + 3600; },
  subject_missing: (token) => { delete token.sub; },
  subject_empty: (token) => { token.sub = ''; },
  at_hash: (token) => { token.at_hash = 'AAAAAAAAAAAAAAAAAAAAAA'; },
};

const base64url = (value) => Buffer.from(value).toString('base64url');
const signed = (header, payload, make) => {
  const text = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
  return `${text}.${make(text)}`;
};
const rsa = (key) => (text) => sign('sha256', Buffer.from(text), key).toString('base64url');
const hmac = (secret) => (text) => createHmac('sha256', secret).update(text).digest('base64url');
const ownKey = () => createPrivateKey({ key: own, format: 'jwk' });
const publicKey = () => createPublicKey({ key: { kty: own.kty, n: own.n, e: own.e }, format: 'jwk' });
const pem = (type) => publicKey().export({ type, format: 'pem' });

// After signing: it is put together anew.
const forged = {
  alg_none: (header, payload) => signed({ ...header, alg: 'none' }, payload, () => ''),
  alg_None: (header, payload) => signed({ ...header, alg: 'None' }, payload, () => ''),
  alg_none_with_the_old_signature: (header, payload) => signed({ ...header, alg: 'none' }, payload, rsa(ownKey())),
  hs256_with_the_pem: (header, payload) => signed({ ...header, alg: 'HS256' }, payload, hmac(pem('spki'))),
  hs256_with_the_other_pem: (header, payload) => signed({ ...header, alg: 'HS256' }, payload, hmac(pem('pkcs1'))),
  hs256_with_the_modulus: (header, payload) =>
    signed({ ...header, alg: 'HS256' }, payload, hmac(Buffer.from(own.n, 'base64url'))),
  hs256_with_the_clients_secret: (header, payload) => signed({ ...header, alg: 'HS256' }, payload, hmac('secret')),
  rs512: (header, payload) =>
    signed({ ...header, alg: 'RS512' }, payload, (text) => sign('sha512', Buffer.from(text), ownKey()).toString('base64url')),
  unknown_kid: (header, payload) => signed({ ...header, kid: `kid-${Math.random()}` }, payload, rsa(ownKey())),
  foreign_key: (header, payload) => signed(header, payload, rsa(stranger.privateKey)),
  key_in_the_header: (header, payload) =>
    signed({ ...header, jwk: stranger.publicKey.export({ format: 'jwk' }) }, payload, rsa(stranger.privateKey)),
  key_set_in_the_header: (header, payload) =>
    signed({ ...header, kid: 'stranger', jku: `${issuer.url}/poison` }, payload, rsa(stranger.privateKey)),
  crit: (header, payload) => signed({ ...header, crit: ['exp'], exp: 1 }, payload, rsa(ownKey())),
  crit_empty: (header, payload) => signed({ ...header, crit: [] }, payload, rsa(ownKey())),
  typ_of_an_access_token: (header, payload) => signed({ ...header, typ: 'at+jwt' }, payload, rsa(ownKey())),
  changed_after_signing: (_, payload, token) => {
    const [head, , signature] = token.split('.');
    return `${head}.${base64url(JSON.stringify({ ...payload, sub: 'another' }))}.${signature}`;
  },
  no_signature: (_h, _p, token) => token.split('.').slice(0, 2).join('.'),
  four_parts: (_h, _p, token) => `${token}.e30`,
  no_jwt: () => 'no-jwt',
};

const answers = {
  id_token_missing: (body) => { delete body.id_token; },
  id_token_is_the_access_token: (body) => { body.id_token = body.access_token; },
  access_token_missing: (body) => { delete body.access_token; },
  token_type: (body) => { body.token_type = 'mac'; },
};

service.on('beforeTokenSigning', ({ payload }) => {
  if (!('aud' in payload)) return; // an access token
  claims[how]?.(payload);
  if (how === undefined) nonce = payload.nonce;
});
service.on('beforeResponse', ({ body }) => {
  const part = (index) => JSON.parse(Buffer.from(body.id_token.split('.')[index], 'base64url'));
  if (forged[how]) body.id_token = forged[how](part(0), part(1), body.id_token);
  answers[how]?.(body);
});
service.on('beforeUserinfo', ({ body }) => {
  if (how === 'another_person_is_told_of') body.sub = 'another';
  if (how === 'nobody_is_told_of') delete body.sub;
});
service.on('beforeAuthorizeRedirect', ({ url }) => {
  if (how === 'another_state') url.searchParams.set('state', 'of-another-login');
  if (how === 'state_missing') url.searchParams.delete('state');
  if (how === 'another_issuer_answers') url.searchParams.set('iss', 'https://elsewhere.test');
  if (how === 'code_missing') url.searchParams.delete('code');
  if (how === 'code_and_error') url.searchParams.set('error', 'server_error');
});

const redirects = ['another_state', 'state_missing', 'another_issuer_answers', 'code_missing', 'code_and_error'];
const people = ['another_person_is_told_of', 'nobody_is_told_of'];

serve({
  async start() {
    own = await issuer.keys.generate('RS256');
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url, 'http://x');
      asked[pathname] = (asked[pathname] ?? 0) + 1;
      service.requestHandler(request, response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    issuer.url = `http://127.0.0.1:${server.address().port}`;
    return issuer.url;
  },
  ways: () => [claims, forged, answers].flatMap(Object.keys).concat(people, redirects),
  spoil(given) {
    how = given.how;
  },
  asked: ({ path }) => asked[path] ?? 0,
});
