// Webhooks through the official Node SDK, against the server at BASE_URL: endpoints, and what they are sent.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect, exchanges, refused } from "./client.mjs";

const stripe = connect(process.env.SECRET_KEY);
const received = [];
const waiting = [];

const server = createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    received.push({ headers: request.headers, body: Buffer.concat(pieces) });
    response.end();
    for (const look of waiting.splice(0)) look();
  });
});

/** The first request whose body names this. */
async function until(text) {
  for (;;) {
    const found = received.find((one) => one.body.includes(text));
    if (found) return found;
    await new Promise((resolve) => waiting.push(resolve));
  }
}

await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://localhost:${server.address().port}/hook`;
const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: ["customer.created"] });
assert.match(endpoint.secret, /^whsec_/);
assert.equal((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret, null);

const customer = await stripe.customers.create({ name: "Zoë 東京" });
const { headers, body } = await until(customer.id);
const signature = headers["stripe-signature"];
const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
assert.equal(event.type, "customer.created");
assert.equal(event.data.object.name, "Zoë 東京");
assert.equal(headers["webhook-id"], event.id);
assert.deepEqual(await stripe.webhooks.constructEventAsync(body.toString(), signature, endpoint.secret), event);

const tampered = Buffer.from(body.toString().replace("Zoë", "Zoe"));
for (const [content, header, secret] of [
  [tampered, signature, endpoint.secret],
  [body, signature, "whsec_c29tZXRoaW5nIGVsc2UgYWx0b2dldGhlcg=="],
  [body, signature.replace("v1=", "v0="), endpoint.secret],
  [body, signature.replace(/t=\d+/, "t=1700000000"), endpoint.secret],
]) {
  assert.throws(() => stripe.webhooks.constructEvent(content, header, secret), /signature|Timestamp/i);
}

const changed = await stripe.webhookEndpoints.update(endpoint.id, { disabled: true, enabled_events: ["charge.*"] });
assert.equal(changed.status, "disabled");
assert.ok((await stripe.webhookEndpoints.list()).data.some((one) => one.id === endpoint.id));
assert.equal((await stripe.webhookEndpoints.del(endpoint.id)).deleted, true);
await refused(() => stripe.webhookEndpoints.retrieve(endpoint.id), "StripeInvalidRequestError", {
  code: "resource_missing",
});

server.close();
server.closeAllConnections();
console.log(JSON.stringify(exchanges));
