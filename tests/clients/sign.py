"""Signs requests with http-message-signatures, somebody else's implementation of RFC 9421, and sends them.

Reads one JSON object: {"calls": [{"algorithm": ..., "key_id": ..., "key": PEM or base64, "method": ..., "url": ...,
"body": ..., "covered": [...], "sent_body": ..., "times": 1}]}. Writes the list of lists of statuses. It judges nothing.
"""

import base64
import datetime
import hashlib
import json
import sys

import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

ALGORITHMS = {
    "ed25519": algorithms.ED25519,
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
    "rsa-pss-sha512": algorithms.RSA_PSS_SHA512,
    "hmac-sha256": algorithms.HMAC_SHA256,
}


class OneKey(HTTPSignatureKeyResolver):
    def __init__(self, one):
        if one["algorithm"] == "hmac-sha256":
            self.key = base64.b64decode(one["key"])
        else:
            self.key = load_pem_private_key(one["key"].encode(), password=None)

    def resolve_private_key(self, key_id):
        return self.key

    def resolve_public_key(self, key_id):
        raise NotImplementedError


def statuses(one):
    headers = {"Date": "Sun, 22 Nov 2026 00:00:00 GMT"}
    body = one.get("body")
    if body is not None:
        headers["Content-Type"] = "application/json"
    request = requests.Request(one["method"], one["url"], headers=headers, data=body and body.encode()).prepare()
    signer = HTTPMessageSigner(signature_algorithm=ALGORITHMS[one["algorithm"]], key_resolver=OneKey(one))
    signer.sign(
        request,
        key_id=one["key_id"],
        created=datetime.datetime.now(datetime.timezone.utc),
        nonce=base64.b64encode(hashlib.sha256(repr(one).encode()).digest()).decode(),
        label="sig1",
        covered_component_ids=one["covered"],
        # It makes the digest itself.
        body=body.encode() if "content-digest" in one["covered"] else None,
    )
    if "sent_body" in one:
        request.body = one["sent_body"].encode()
    session = requests.Session()
    return [session.send(request, timeout=20).status_code for _ in range(one.get("times", 1))]


json.dump([statuses(one) for one in json.load(sys.stdin)["calls"]], sys.stdout)
