#!/usr/bin/env python3
"""A one-stop system that lets people sign in through the gateway. It needs nothing but Python 3.9 or newer.

    ISSUER=http://127.0.0.1:8080 CLIENT_ID=one-stop-h11 CLIENT_SECRET=… python3 sign_in.py

Register http://127.0.0.1:8000/sso among the member's sign_in.redirect_uris first, then open http://127.0.0.1:8000/.

It is an example: it keeps everything in memory and speaks plain HTTP. Four rules make it safe, keep them in your own: a fresh
state, nonce and PKCE verifier for each sign-in; the same browser that began a sign-in ends it; the answer's iss is the issuer
that was asked; the id token's iss, aud and nonce are checked. It takes the id token from the token endpoint over its own
connection; who gets one through a browser has to verify its signature too (keys: <issuer>/.well-known/jwks.json).
"""

import base64
import hashlib
import hmac
import html
import http.server
import json
import os
import secrets
import urllib.parse
import urllib.request

ISSUER = os.environ["ISSUER"].rstrip("/")
CLIENT_ID = os.environ["CLIENT_ID"]
CLIENT_SECRET = os.environ["CLIENT_SECRET"]
PORT = int(os.environ.get("PORT", "8000"))
OWN = f"http://127.0.0.1:{PORT}"
SCOPE = os.environ.get("SCOPE", "openid profile")

# Sign-ins that people have begun, by the browser's cookie. A real system keeps them in its sessions.
begun = {}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def metadata():
    with urllib.request.urlopen(f"{ISSUER}/.well-known/openid-configuration", timeout=10) as answer:
        found = json.load(answer)
    assert found["issuer"] == ISSUER, "this is another issuer"
    return found


ENDPOINTS = metadata()


def call(url, form=None, headers=None):
    data = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}), timeout=10) as answer:
        return json.load(answer)


def begin(browser):
    """The address at the gateway that the browser is sent to."""
    attempt = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    begun[browser] = attempt
    query = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": f"{OWN}/sso",
        "scope": SCOPE,
        "state": attempt["state"],
        "nonce": attempt["nonce"],
        "code_challenge": b64url(hashlib.sha256(attempt["verifier"].encode()).digest()),
        "code_challenge_method": "S256",
    }
    return f"{ENDPOINTS['authorization_endpoint']}?{urllib.parse.urlencode(query)}"


def finish(browser, query):
    """Who signed in: what the gateway says of the person."""
    attempt = begun.pop(browser, None)
    if attempt is None or not hmac.compare_digest(query.get("state", ""), attempt["state"]):
        raise ValueError("this sign-in did not begin in this browser")
    if query.get("iss") != ISSUER:
        raise ValueError("the answer is another issuer's")
    if "error" in query:
        raise ValueError(f"{query['error']}: {query.get('error_description', '')}")
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    form = {
        "grant_type": "authorization_code",
        "code": query["code"],
        "redirect_uri": f"{OWN}/sso",
        "code_verifier": attempt["verifier"],
    }
    tokens = call(ENDPOINTS["token_endpoint"], form, {"Authorization": f"Basic {basic}"})
    payload = tokens["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if claims["iss"] != ISSUER or claims["aud"] != CLIENT_ID or claims["nonce"] != attempt["nonce"]:
        raise ValueError("the id token is not for this sign-in")
    person = call(ENDPOINTS["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"})
    if person["sub"] != claims["sub"]:
        raise ValueError("the person is not the one who signed in")
    return person


class Counter(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, text = self.path.partition("?")
        cookies = dict(pair.strip().split("=", 1) for pair in self.headers.get("Cookie", "").split(";") if "=" in pair)
        browser = cookies.get("counter") or secrets.token_urlsafe(32)
        try:
            if path == "/":
                self.answer(200, browser, '<p><a href="/sign-in">Sign in</a></p>')
            elif path == "/sign-in":
                self.answer(303, browser, "", begin(browser))
            elif path == "/sso":
                person = finish(browser, dict(urllib.parse.parse_qsl(text)))
                self.answer(200, browser, f"<pre>{html.escape(json.dumps(person, ensure_ascii=False, indent=1))}</pre>")
            else:
                self.answer(404, browser, "<p>There is nothing here.</p>")
        except (ValueError, KeyError, OSError) as error:
            self.answer(400, browser, f"<p>{html.escape(str(error))}</p>")

    def answer(self, status, browser, body, location=None):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Set-Cookie", f"counter={browser}; HttpOnly; SameSite=Lax; Path=/")
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(f"<!DOCTYPE html><title>Counter</title><h1>Counter</h1>{body}".encode())

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    print(f"Open {OWN}/", flush=True)
    http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Counter).serve_forever()
