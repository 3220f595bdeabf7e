// Texts of VietQR written and read by npm's vietnam-qr-pay.

import { packages, serve } from '../brokers/lines.mjs';

const { QRPay } = packages('vietnam-qr-pay');

const written = ({ bin, account, service, once, amount, purpose }) =>
  QRPay.initVietQR({
    bankBin: bin,
    bankNumber: account,
    service,
    initMethod: once ? '12' : '11',
    amount: amount ?? undefined,
    purpose: purpose ?? undefined,
  }).build();

const read = (text) => {
  const qr = new QRPay(text);
  if (!qr.isValid) return null;
  return {
    bin: qr.consumer.bankBin,
    account: qr.consumer.bankNumber,
    service: qr.provider.service,
    once: qr.initMethod === '12',
    amount: qr.amount ?? null,
    purpose: qr.additionalData.purpose ?? null,
  };
};

serve({
  write: ({ all }) => all.map(written),
  read: ({ all }) => all.map(read),
});
