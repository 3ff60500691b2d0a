// One act of a client that uses oauth4webapi: `node oauth4webapi.mjs ACT`. Prints JSON.

import * as oauth from "oauth4webapi";

const { ALGORITHM, CLIENT_ID, CLIENT_SECRET, ISSUER, METHOD, SCOPE, TOKEN } = process.env;
const methods = {
  client_secret_basic: oauth.ClientSecretBasic,
  client_secret_post: oauth.ClientSecretPost,
};
const issuer = new URL(ISSUER);
const client = { client_id: CLIENT_ID };
const authentication = methods[METHOD](CLIENT_SECRET);

const found = await oauth.discoveryRequest(issuer, { algorithm: ALGORITHM });
const server = await oauth.processDiscoveryResponse(issuer, found);

const acts = {
  async orders() {
    const parameters = { scope: SCOPE };
    const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters);
    const result = await oauth.processClientCredentialsResponse(server, client, response);
    const orders = await oauth.protectedResourceRequest(
      result.access_token, "GET", new URL("/orders", issuer),
    );
    return { status: orders.status, scopes: (await orders.json()).scopes };
  },
  async password() {
    const parameters = { username: "a", password: "b" };
    const response = await oauth.genericTokenEndpointRequest(
      server, client, authentication, "password", parameters,
    );
    return oauth.processGenericTokenEndpointResponse(server, client, response);
  },
  async introspect() {
    const response = await oauth.introspectionRequest(server, client, authentication, TOKEN);
    return oauth.processIntrospectionResponse(server, client, response);
  },
  async revoke() {
    const response = await oauth.revocationRequest(server, client, authentication, TOKEN);
    await oauth.processRevocationResponse(response);
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
