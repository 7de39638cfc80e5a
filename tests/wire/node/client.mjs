// The official Node SDK against the server at BASE_URL, and what its tests share.

import assert from "node:assert/strict";
import Stripe from "stripe";

/** Every answer exactly as it was sent: only the Python SDK's annotations can be read at run time. */
export const exchanges = [];

/** The SDK's own HTTP client, which also keeps a copy of every body before the SDK touches it. */
function recordingClient(reduced) {
  const client = Stripe.createNodeHttpClient();
  const send = client.makeRequest.bind(client);
  client.makeRequest = async (host, port, path, method, ...rest) => {
    const response = await send(host, port, path, method, ...rest);
    const parse = response.toJSON.bind(response);
    response.toJSON = async () => {
      const body = await parse();
      exchanges.push({ method, path, status: response.getStatusCode(), body: structuredClone(body), reduced });
      return body;
    };
    return response;
  };
  return client;
}

export function connect(key) {
  const { hostname, port, protocol } = new URL(process.env.BASE_URL);
  return new Stripe(key, {
    host: hostname,
    port,
    protocol: protocol.replace(":", ""),
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: recordingClient(key.startsWith("pk_")),
  });
}

/** The call is refused by exactly this class of error, with these of its fields; the error comes back. */
export async function refused(call, kind, expected) {
  const error = await call().then(
    () => assert.fail(`expected ${kind}`),
    (reason) => reason,
  );
  assert.equal(error.constructor.name, kind, String(error));
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(error[name], value, `${kind}.${name}: ${error.message}`);
  }
  assert.ok(error.requestId, "every error names its request");
  return error;
}
