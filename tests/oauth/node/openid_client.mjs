// One act of a client that uses openid-client: `node openid_client.mjs ACT`. Prints JSON.

import * as openid from "openid-client";

const { ALGORITHM, CLIENT_ID, CLIENT_SECRET, ISSUER, METHOD, SCOPE, TOKEN } = process.env;
const methods = {
  client_secret_basic: openid.ClientSecretBasic,
  client_secret_post: openid.ClientSecretPost,
};
const issuer = new URL(ISSUER);
const config = await openid.discovery(
  issuer, CLIENT_ID, CLIENT_SECRET, methods[METHOD](CLIENT_SECRET), { algorithm: ALGORITHM },
);

const acts = {
  async orders() {
    const result = await openid.clientCredentialsGrant(config, { scope: SCOPE });
    const orders = await openid.fetchProtectedResource(
      config, result.access_token, new URL("/orders", issuer), "GET",
    );
    return { status: orders.status, scopes: (await orders.json()).scopes };
  },
  password: () => openid.genericGrantRequest(config, "password", { username: "a", password: "b" }),
  introspect: () => openid.tokenIntrospection(config, TOKEN),
  async revoke() {
    await openid.tokenRevocation(config, TOKEN);
    return "revoked";
  },
};

try {
  console.log(JSON.stringify(await acts[process.argv[2]]()));
} catch (error) {
  // A response with a challenge is an exception of its own. Its body is not read yet.
  const code = error.error ?? (await error.response.json()).error;
  console.log(JSON.stringify({ raised: error.name, status: error.status, code }));
}
