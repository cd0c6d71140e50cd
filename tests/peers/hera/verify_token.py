"""A second library (PyJWT) checks a token against published keys.

Environment: TOKEN_FILE, ISSUER, AUDIENCE. Prints the claims as JSON; fails when the token does not verify.
"""

import json
import os
import urllib.request

import jwt


def main():
    issuer, audience = os.environ["ISSUER"], os.environ["AUDIENCE"]
    with open(os.environ["TOKEN_FILE"], encoding="ascii") as file:
        token = file.read().strip()
    with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", timeout=30) as reply:
        discovery = json.load(reply)
    assert discovery["issuer"] == issuer, discovery
    key = jwt.PyJWKClient(discovery["jwks_uri"]).get_signing_key_from_jwt(token)
    required = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]
    options = {"require": required}
    claims = jwt.decode(token, key.key, algorithms=["ES256"], audience=audience, issuer=issuer, options=options)
    assert claims["exp"] - claims["iat"] <= 600, claims
    print(json.dumps(claims))


if __name__ == "__main__":
    main()
