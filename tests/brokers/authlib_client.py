# A relying party made of PyPI's authlib, whose joserfc verifies what it gets. What it reads and writes is that of
# openid_client.mjs. It judges nothing.

import json
import os
import sys
from urllib.parse import urlencode

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

PATIENCE = 20
METHODS = {"basic": "client_secret_basic", "form": "client_secret_post", "key": "private_key_jwt"}


class Party:
    def key(self, algorithm):
        self.own = ECKey.generate_key("P-256")
        return self.own.as_pem(private=False).decode()

    def meet(self, issuer, id, proof, algorithm, redirect, secret=None, kid=None):
        self.issuer, self.id, self.algorithm = issuer, id, algorithm
        found = requests.get(issuer + "/.well-known/openid-configuration", timeout=PATIENCE).json()
        self.there = OpenIDProviderMetadata(found)
        self.there.validate()
        method = METHODS[proof]
        self.session = OAuth2Session(
            id,
            self.own if proof == "key" else secret,
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
            redirect_uri=redirect,
            code_challenge_method="S256",
            default_timeout=PATIENCE,
        )
        endpoint = self.there["token_endpoint"]
        self.session.register_client_auth_method(PrivateKeyJWT(endpoint, headers={"kid": kid}, alg="ES256"))

    def begin(self, scope):
        self.verifier, self.nonce = generate_token(48), generate_token(20)
        url, self.state = self.session.create_authorization_url(
            self.there["authorization_endpoint"], code_verifier=self.verifier, nonce=self.nonce, scope=scope
        )
        return url

    def keep(self, token, nonce=None):
        return {
            "type": token["token_type"],
            "scope": token["scope"],
            "claims": dict(self.checked(token["id_token"], token["access_token"], nonce)),
            "refreshable": bool(token.get("refresh_token")),
        }

    def keys(self):
        return KeySet.import_key_set(requests.get(self.there["jwks_uri"], timeout=PATIENCE).json())

    def checked(self, id_token, access_token, nonce):
        token = jwt.decode(id_token, self.keys(), algorithms=[self.algorithm])
        wanted = {"iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": self.id}}
        given = {"nonce": nonce, "client_id": self.id, "access_token": access_token}
        claims = CodeIDToken(token.claims, token.header, wanted, given)
        claims.validate(leeway=5)
        return claims

    def finish(self, url):
        token = self.session.fetch_token(
            self.there["token_endpoint"],
            authorization_response=url,
            state=self.state,
            code_verifier=self.verifier,
        )
        return self.keep(token, self.nonce)

    def userinfo(self):
        answer = self.session.get(self.there["userinfo_endpoint"], timeout=PATIENCE)
        answer.raise_for_status()
        return answer.json()

    def refresh(self):
        return self.keep(self.session.refresh_token(self.there["token_endpoint"]))

    def introspect(self):
        token = self.session.token["access_token"]
        answer = self.session.introspect_token(self.there["introspection_endpoint"], token, "access_token")
        answer.raise_for_status()
        return answer.json()

    def revoke(self):
        token = self.session.token["access_token"]
        self.session.revoke_token(self.there["revocation_endpoint"], token, "access_token").raise_for_status()

    def sign_out(self, back):
        hint = self.session.token["id_token"]
        query = {"post_logout_redirect_uri": back, "id_token_hint": hint, "state": "out"}
        return self.there["end_session_endpoint"] + "?" + urlencode(query)

    def machine(self, scope):
        token = self.session.fetch_token(self.there["token_endpoint"], grant_type="client_credentials", scope=scope)
        verified = jwt.decode(token["access_token"], self.keys(), algorithms=["ES256"])
        return {"type": token["token_type"], "header": verified.header, "claims": verified.claims}

    def verify(self):
        told, keys = {}, self.keys()
        for name in ["id_token", "access_token"]:
            token = jwt.decode(self.session.token[name], keys, algorithms=["ES256", "EdDSA", "RS256"])
            told[name] = {"header": token.header, "claims": token.claims}
        return told


party = Party()
for line in sys.stdin:
    asked = json.loads(line)
    try:
        said = {"value": getattr(party, asked["wish"])(**asked["given"])}
    except Exception as error:
        said = {"error": f"{type(error).__name__} | {error}"}
    print(json.dumps(said), flush=True)
