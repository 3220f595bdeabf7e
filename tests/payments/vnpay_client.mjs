// A merchant of VNPAY's made of npm's vnpay, and VNPAY's side of an IPN made of the same library's pieces and of Node.js's own
// encoders. It judges nothing that the library does not judge.

import { createHmac } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, get } from 'node:http';
import { text } from 'node:stream/consumers';

import { packages, serve } from '../brokers/lines.mjs';

const { VNPay, HashAlgorithm, IpnFailChecksum, IpnSuccess } = packages('vnpay');
const { buildPaymentUrlSearchParams, calculateSecureHash } = packages('vnpay/utils');

const PATIENCE = 20_000;

let merchant;
let key;
let ipns = []; // as the library sees them
const heard = new EventEmitter();
const servers = [];

// The last answer as it came: the library changes what it hands out.
let answered;
const plainFetch = globalThis.fetch;
globalThis.fetch = async (...asked) => {
  const response = await plainFetch(...asked);
  answered = await response.clone().json().catch(() => undefined);
  return response;
};

const ANSWER = ['ResponseId', 'Command', 'ResponseCode', 'Message', 'TmnCode', 'TxnRef', 'Amount', 'BankCode', 'PayDate',
  'TransactionNo', 'TransactionType', 'TransactionStatus', 'OrderInfo'];
const QUERY_ANSWER = [...ANSWER, 'PromotionCode', 'PromotionAmount'];

const sign = (secret, said) => createHmac('sha512', secret).update(said, 'utf8').digest('hex');

// Whether the last answer is signed as VNPAY's page says; the library gets it wrong for refunds.
const isSigned = (names) =>
  sign(key, names.map((name) => answered[`vnp_${name}`] ?? '').join('|')) === answered.vnp_SecureHash;

// Libraries of VNPAY's own that write the same values in different ways.
const writers = {
  library: (fields) => buildPaymentUrlSearchParams(fields).toString(),
  node: (fields) =>
    Object.keys(fields)
      .sort()
      .map((name) => `${name}=${encodeURIComponent(fields[name]).replaceAll('%20', '+')}`)
      .join('&'),
};

const asked = (url) => Object.fromEntries(new URL(url).searchParams);

serve(
  {
    open({ host, tmn_code, secret }) {
      key = secret;
      merchant = new VNPay({
        vnpayHost: host,
        queryDrAndRefundHost: host,
        tmnCode: tmn_code,
        secureSecret: secret,
        testMode: false,
        enableLog: false,
        hashAlgorithm: HashAlgorithm.SHA512,
      });
    },

    // Where the merchant hears of payments.
    async listen() {
      const server = createServer((request, response) => {
        const verdict = merchant.verifyIpnCall(asked(`http://ipn${request.url}`));
        ipns.push(verdict);
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(verdict.isVerified ? IpnSuccess : IpnFailChecksum));
        heard.emit('ipn');
      });
      servers.push(server);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      return `http://127.0.0.1:${server.address().port}/ipn`;
    },
    async ipns({ count }) {
      while (ipns.length < count) await once(heard, 'ipn', { signal: AbortSignal.timeout(PATIENCE) });
      const came = ipns;
      ipns = [];
      return came;
    },

    pay_url: (fields) => merchant.buildPaymentUrl(fields),
    // An address that is signed, wherever it leads: the way to VNPAY, or the way back.
    verify: ({ url }) => merchant.verifyReturnUrl(asked(url)),
    async query(fields) {
      const told = await merchant.queryDr(fields);
      return { told, signed: isSigned(QUERY_ANSWER) };
    },
    async refund(fields) {
      const told = await merchant.refund(fields);
      return { told, signed: isSigned(ANSWER) };
    },

    // VNPAY calls back.
    async call({ url, fields, secret, writer }) {
      const query = writers[writer](fields);
      const hash = calculateSecureHash({ secureSecret: secret, data: query, hashAlgorithm: 'SHA512', bufferEncode: 'utf-8' });
      const { hostname, port, pathname } = new URL(url);
      // Not by fetch, which writes some signs of an address in another way.
      const request = get({ hostname, port, path: `${pathname}?${query}&vnp_SecureHash=${hash}`, agent: false });
      const [response] = await once(request, 'response');
      return { status: response.statusCode, said: JSON.parse(await text(response)) };
    },
  },
  () => servers.forEach((server) => server.close()),
);
