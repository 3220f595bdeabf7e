# The signatures of MoMo, ZaloPay and VNPAY from the fields that they publish, with nothing but Python's own HMAC, and callbacks that
# are written as Python writes JSON and queries; and a bank that tells of credits.

import hashlib
import hmac
import json
import sys
import urllib.error
import urllib.request
from urllib.parse import urlencode

PATIENCE = 20

MOMO = {
    "create": "accessKey amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId requestType",
    "query": "accessKey orderId partnerCode requestId",
    "refund": "accessKey amount description orderId partnerCode requestId transId",
    "refund/query": "accessKey orderId partnerCode requestId",
    "ipn": "accessKey amount extraData message orderId orderInfo orderType partnerCode payType requestId responseTime"
    " resultCode transId",
}
ZALOPAY = {
    "create": "app_id app_trans_id app_user amount app_time embed_data item",
    "query": "app_id app_trans_id key1",
    "refund": "app_id zp_trans_id amount description timestamp",
    "query_refund": "app_id m_refund_id timestamp",
}


def digest(key, text, algorithm=hashlib.sha256):
    return hmac.new(key.encode(), text.encode(), algorithm).hexdigest()


def momo(call, fields, access_key, secret_key):
    known = {**fields, "accessKey": access_key}
    return digest(secret_key, "&".join(f"{name}={known[name]}" for name in MOMO[call].split()))


def zalopay(call, fields, key1, **_):
    known = {**fields, "key1": key1}
    return digest(key1, "|".join(str(known[name]) for name in ZALOPAY[call].split()))


SIGNATURES = {"momo": momo, "zalopay": zalopay}


def answered(request):
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return {"status": response.status, "said": response.read().decode()}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "said": error.read().decode()}


def post(url, message, sign=lambda body: {}):
    body = json.dumps(message, indent=1).encode()
    headers = {"content-type": "application/json", **sign(body)}
    return answered(urllib.request.Request(url, data=body, headers=headers))


class Peer:
    def know(self, **keys):
        self.keys = keys

    def sign(self, provider, call, fields):
        return SIGNATURES[provider](call, fields, **self.keys[provider])

    def call_momo(self, url, fields, access_key, secret_key):
        return post(url, {**fields, "signature": momo("ipn", fields, access_key, secret_key)})

    def call_zalopay(self, url, fields, key2):
        data = json.dumps(fields)
        return post(url, {"type": 1, "mac": digest(key2, data), "data": data})

    def call_bank(self, url, fields, secret):
        return post(url, fields, lambda body: {"x-signature": digest(secret, body.decode())})

    def call_vnpay(self, url, fields, secret):
        query = urlencode(sorted(fields.items()))
        return answered(f"{url}?{query}&vnp_SecureHash={digest(secret, query, hashlib.sha512)}")


peer = Peer()
for line in sys.stdin:
    asked = json.loads(line)
    try:
        said = {"value": getattr(peer, asked["wish"])(**asked["given"])}
    except Exception as error:
        said = {"error": f"{type(error).__name__} | {error}"}
    print(json.dumps(said), flush=True)
