// MoMo and ZaloPay as far as signatures go, from the fields that they publish, with nothing but Node.js's own HMAC: they open orders,
// answer questions, send money back, and call back.

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

import { serve } from '../brokers/lines.mjs';

const hmac = (key, said) => createHmac('sha256', key).update(said, 'utf8').digest('hex');

const MOMO_ASKS = ['accessKey', 'orderId', 'partnerCode', 'requestId'];
const MOMO = {
  create: ['accessKey', 'amount', 'extraData', 'ipnUrl', 'orderId', 'orderInfo', 'partnerCode', 'redirectUrl', 'requestId', 'requestType'],
  query: MOMO_ASKS,
  refund: ['accessKey', 'amount', 'description', 'orderId', 'partnerCode', 'requestId', 'transId'],
  'refund/query': MOMO_ASKS,
  ipn: ['accessKey', 'amount', 'extraData', 'message', 'orderId', 'orderInfo', 'orderType', 'partnerCode', 'payType', 'requestId', 'responseTime', 'resultCode', 'transId'],
};
const ZALOPAY = {
  create: ['app_id', 'app_trans_id', 'app_user', 'amount', 'app_time', 'embed_data', 'item'],
  query: ['app_id', 'app_trans_id', 'key1'],
  refund: ['app_id', 'zp_trans_id', 'amount', 'description', 'timestamp'],
  query_refund: ['app_id', 'm_refund_id', 'timestamp'],
};

// What each provider signs of a message.
const signatures = {
  momo: (call, fields, { access_key, secret_key }) =>
    hmac(secret_key, MOMO[call].map((name) => `${name}=${name === 'accessKey' ? access_key : fields[name]}`).join('&')),
  zalopay: (call, fields, { key1 }) =>
    hmac(key1, ZALOPAY[call].map((name) => (name === 'key1' ? key1 : fields[name])).join('|')),
};

let keys; // by provider
let base;
const came = []; // what the gateway sent
let answers = {}; // by provider and call, in place of the usual ones

const usual = {
  'momo/create': (asked) => ({ resultCode: 0, amount: asked.amount, payUrl: `${base}/pay`, qrCodeUrl: 'momo://qr' }),
  'momo/query': () => ({ resultCode: 1000 }),
  'momo/refund': (asked) => ({ resultCode: 0, amount: asked.amount, transId: 4088878999 }),
  'momo/refund/query': () => ({ resultCode: 0 }),
  'zalopay/create': () => ({ return_code: 1, sub_return_code: 1, order_url: `${base}/pay`, qr_code: 'zalopay-qr' }),
  'zalopay/query': () => ({ return_code: 3, sub_return_code: 1 }),
  'zalopay/refund': () => ({ return_code: 1, sub_return_code: 1, refund_id: 260101000000777 }),
  'zalopay/query_refund': () => ({ return_code: 1, sub_return_code: 1 }),
};

const refusal = { momo: { resultCode: 13 }, zalopay: { return_code: 2, sub_return_code: -403 } };

const answer = async (request, response) => {
  const [, provider, call] = request.url.match(/^\/(momo|zalopay)\/v2\/(?:gateway\/api\/)?(.+)$/);
  const body = await text(request);
  const asked = provider === 'momo' ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body));
  const sent = asked.signature ?? asked.mac;
  came.push({ provider, call, fields: asked, signature: sent });
  const name = `${provider}/${call}`;
  const good = sent === signatures[provider](call, asked, keys[provider]);
  const told = !good ? refusal[provider] : (answers[name] ?? usual[name](asked));
  const about = provider === 'momo' ? { orderId: asked.orderId, requestId: asked.requestId, partnerCode: asked.partnerCode } : {};
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ ...about, ...told }));
};

const post = async (url, message) => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(message) });
  return { status: response.status, said: await response.text() };
};

let server;

serve(
  {
    async listen(given) {
      keys = given;
      server = createServer(answer);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      base = `http://127.0.0.1:${server.address().port}`;
      return base;
    },
    // What is answered from now on.
    answer: (given) => void (answers = given),
    // What came since this was asked before.
    came: () => came.splice(0),
    sign: ({ provider, call, fields }) => signatures[provider](call, fields, keys[provider]),

    call_momo: ({ url, fields, access_key, secret_key }) =>
      post(url, { ...fields, signature: signatures.momo('ipn', fields, { access_key, secret_key }) }),
    call_zalopay({ url, fields, key2 }) {
      const data = JSON.stringify(fields);
      return post(url, { data, mac: hmac(key2, data), type: 1 });
    },
  },
  () => server?.close(),
);
