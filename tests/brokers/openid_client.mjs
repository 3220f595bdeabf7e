// A relying party made of npm's openid-client; npm's jose verifies what it gets.

import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

import { packages, serve } from './lines.mjs';

const openid = packages('openid-client');
const jose = packages('jose');

let keys; // that the client proves itself with
let client; // what it knows of the gateway
let asked; // what it keeps from the question to the answer
let tokens;
let subject;

const proofs = {
  basic: ({ secret }) => openid.ClientSecretBasic(secret),
  form: ({ secret }) => openid.ClientSecretPost(secret),
  key: ({ kid }) => openid.PrivateKeyJwt({ key: keys.privateKey, kid }),
};

const TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const SWAP = 'urn:ietf:params:oauth:grant-type:token-exchange';
const PATIENCE = 20_000;

const words = []; // that somebody signed out, as they came
const heard = new EventEmitter();

const theirKeys = () => jose.createRemoteJWKSet(new URL(client.config.serverMetadata().jwks_uri));
const half = ({ protectedHeader, payload }) => ({ header: protectedHeader, claims: payload });

const keep = (got) => {
  tokens = got;
  return { type: got.token_type, scope: got.scope, claims: got.claims(), refreshable: Boolean(got.refresh_token) };
};

serve({
  async key({ algorithm }) {
    keys = await jose.generateKeyPair(algorithm);
    return jose.exportSPKI(keys.publicKey);
  },

  async meet({ issuer, id, proof, algorithm, bound, ...more }) {
    const config = await openid.discovery(
      new URL(issuer),
      id,
      { id_token_signed_response_alg: algorithm },
      proofs[proof](more),
      { execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks] },
    );
    client = { config, issuer, id, redirect: more.redirect, bound: {} };
    if (bound) client.bound = { DPoP: openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256')) };
  },

  async begin({ scope, pushed, ...more }) {
    asked = { verifier: openid.randomPKCECodeVerifier(), state: openid.randomState(), nonce: openid.randomNonce() };
    const parameters = {
      redirect_uri: client.redirect,
      scope,
      state: asked.state,
      nonce: asked.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(asked.verifier),
      code_challenge_method: 'S256',
      ...more,
    };
    const url = pushed
      ? await openid.buildAuthorizationUrlWithPAR(client.config, parameters, client.bound)
      : openid.buildAuthorizationUrl(client.config, parameters);
    return url.href;
  },

  async finish({ url }) {
    const checks = {
      pkceCodeVerifier: asked.verifier,
      expectedState: asked.state,
      expectedNonce: asked.nonce,
      idTokenExpected: true,
    };
    const got = await openid.authorizationCodeGrant(client.config, new URL(url), checks, undefined, client.bound);
    subject = got.claims().sub;
    return keep(got);
  },

  userinfo: () => openid.fetchUserInfo(client.config, tokens.access_token, subject, client.bound),
  refresh: async () => keep(await openid.refreshTokenGrant(client.config, tokens.refresh_token, undefined, client.bound)),
  introspect: () => openid.tokenIntrospection(client.config, tokens.access_token),
  revoke: () => openid.tokenRevocation(client.config, tokens.access_token),

  sign_out: ({ back }) =>
    openid.buildEndSessionUrl(client.config, {
      post_logout_redirect_uri: back,
      id_token_hint: tokens.id_token,
      state: 'out',
    }).href,

  // The access token without the key that it is bound to.
  async stolen() {
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    return (await fetch(client.config.serverMetadata().userinfo_endpoint, { headers })).status;
  },

  async verify() {
    const known = theirKeys();
    const { issuer, id } = client;
    const [own, access] = await Promise.all([
      jose.jwtVerify(tokens.id_token, known, { issuer, audience: id, typ: 'JWT' }),
      jose.jwtVerify(tokens.access_token, known, { issuer, typ: 'at+jwt' }),
    ]);
    return { id_token: half(own), access_token: half(access) };
  },

  // A token in the client's own name.
  async machine({ scope }) {
    tokens = await openid.clientCredentialsGrant(client.config, { scope }, client.bound);
    const verified = await jose.jwtVerify(tokens.access_token, theirKeys(), { issuer: client.issuer, typ: 'at+jwt' });
    return { type: tokens.token_type, ...half(verified) };
  },

  // The person's token for one that is good for somebody else.
  async swap({ audience }) {
    const asked = { subject_token: tokens.access_token, subject_token_type: TOKEN, audience };
    const got = await openid.genericGrantRequest(client.config, SWAP, asked, client.bound);
    const expected = { issuer: client.issuer, audience, typ: 'at+jwt' };
    const verified = await jose.jwtVerify(got.access_token, theirKeys(), expected);
    return { type: got.token_type, ...half(verified) };
  },

  // Where words of signing out are heard.
  async listen() {
    const server = createServer(async (request, response) => {
      words.push(new URLSearchParams(await text(request)).get('logout_token'));
      response.end();
      heard.emit('word');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${server.address().port}/`;
  },
  async told({ count }) {
    while (words.length < count) await once(heard, 'word', { signal: AbortSignal.timeout(PATIENCE) });
    const known = theirKeys();
    const expected = { issuer: client.issuer, typ: 'logout+jwt' };
    return Promise.all(words.map(async (word) => half(await jose.jwtVerify(word, known, expected))));
  },
});
