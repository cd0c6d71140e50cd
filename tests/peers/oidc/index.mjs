// A real, certified OpenID provider on loopback, for tests: `node index.mjs [--port N] [--audience URL]
// [--alg ES256] [--token-seconds N] [--accounts FILE] [--die-with-stdin]`.
// Prints one line `ready <issuer>` when it answers. People (accounts.json) log in with any password.
// Deliberately absent: anything a test could not do to a provider of a company, but for the two doors below /peer:
//   POST /peer/rotate         signs with new keys from now on, and still publishes the old ones
//   POST /peer/rotate?drop=1  the same, and publishes the old ones no longer
//   GET  /peer/requests       how often each path was asked for, as JSON
import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";

import { Provider } from "oidc-provider";

const { values: args } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    audience: { type: "string", default: "https://marque.test/api" },
    alg: { type: "string", default: "ES256" },
    "token-seconds": { type: "string", default: "600" },
    accounts: { type: "string" },
    "die-with-stdin": { type: "boolean", default: false },
  },
});
const accounts = JSON.parse(readFileSync(args.accounts ?? new URL("accounts.json", import.meta.url), "utf8"));
const tokenSeconds = Number(args["token-seconds"]);
const cookieKey = randomBytes(32).toString("hex");

function newKeys() {
  const key = (type, options, alg) => {
    const jwk = generateKeyPairSync(type, options).privateKey.export({ format: "jwk" });
    return { ...jwk, alg, use: "sig", kid: randomUUID() };
  };
  return [key("ec", { namedCurve: "P-256" }, "ES256"), key("rsa", { modulusLength: 2048 }, "RS256"), key("ed25519", {}, "EdDSA")];
}

function describe(id) {
  const person = accounts[id];
  return { sub: id, name: person.name, email: `${id}@marque.test`, email_verified: true, groups: person.groups };
}

function provider(issuer, keys) {
  const made = new Provider(issuer, {
    clients: [
      {
        client_id: "marque-cli",
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        redirect_uris: ["http://127.0.0.1/callback"],
      },
    ],
    jwks: { keys },
    cookies: { keys: [cookieKey] },
    pkce: { required: () => true },
    scopes: ["openid", "profile", "email", "groups", "offline_access"],
    claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"], groups: ["groups"] },
    // The groups and the name go into the ID token itself, as companies configure it.
    conformIdTokenClaims: false,
    findAccount: (_ctx, id) =>
      Object.hasOwn(accounts, id) ? { accountId: id, claims: () => describe(id) } : undefined,
    extraTokenClaims: (_ctx, token) => {
      const { name, groups } = describe(token.accountId);
      return { name, groups };
    },
    features: {
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => args.audience,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: "",
          audience: resource,
          accessTokenTTL: tokenSeconds,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: args.alg } },
        }),
      },
    },
    ttl: { AccessToken: tokenSeconds, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600 },
  });
  return made.callback();
}

const requests = {};
let keys = newKeys();
let issuer;
let answer;

function peerDoor(url, response) {
  if (url.pathname === "/peer/rotate") {
    keys = url.searchParams.has("drop") ? newKeys() : [...newKeys(), ...keys];
    answer = provider(issuer, keys);
    response.writeHead(204).end();
  } else {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(requests));
  }
}

const server = createServer((request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname.startsWith("/peer/")) return peerDoor(url, response);
  requests[url.pathname] = (requests[url.pathname] ?? 0) + 1;
  return answer(request, response);
});
server.listen(Number(args.port), "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  answer = provider(issuer, keys);
  console.log(`ready ${issuer}`);
});
if (args["die-with-stdin"]) {
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}
