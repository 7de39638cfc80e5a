// Customers and their events through the official Node SDK, against the server at BASE_URL.
//
// What the SDK makes of the answers is asserted here; the answers themselves, exactly as they were sent, are
// printed as one line of JSON, because only the Python SDK's annotations can be read at run time.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { connect, exchanges, refused } from "./client.mjs";

const mark = randomUUID().replaceAll("-", "");
const email = `${mark}@example.com`;

async function createAndRetrieve(stripe) {
  const created = await stripe.customers.create({
    address: { city: "Köln", country: "DE", line1: "Am Hof 1 & 2" },
    email,
    metadata: { mark, order: "6735", note: "a=b&c[d] + 100 %" },
    name: "山田 太郎",
    preferred_locales: ["de", "en"],
    shipping: { address: { city: "Bonn" }, name: "Zoë" },
    invoice_settings: { custom_fields: [{ name: "VAT", value: "DE1" }], footer: "Thank you." },
    balance: -1250,
    tax_exempt: "reverse",
  });
  assert.match(created.id, /^cus_/);
  assert.equal(created.lastResponse.statusCode, 200);
  assert.ok(created.lastResponse.requestId);
  assert.equal(created.name, "山田 太郎");
  assert.equal(created.balance, -1250);
  assert.equal(created.address.line1, "Am Hof 1 & 2");
  assert.equal(created.address.state, null);
  assert.equal(created.shipping.address.city, "Bonn");
  assert.equal(created.shipping.tracking_number, null);
  assert.equal(created.invoice_settings.default_payment_method, null);
  assert.deepEqual(created.invoice_settings.custom_fields, [{ name: "VAT", value: "DE1" }]);
  assert.deepEqual(created.preferred_locales, ["de", "en"]);
  assert.deepEqual(created.metadata, { mark, order: "6735", note: "a=b&c[d] + 100 %" });

  const retrieved = await stripe.customers.retrieve(created.id, { expand: ["default_source"] });
  assert.deepEqual(retrieved, created);
  return created;
}

async function update(stripe, customer) {
  const renamed = await stripe.customers.update(customer.id, { name: "Ada", metadata: { order: "", tier: "1" } });
  assert.equal(renamed.name, "Ada");
  assert.equal(renamed.email, email);
  assert.deepEqual(renamed.metadata, { mark, note: "a=b&c[d] + 100 %", tier: "1" });

  const emptied = await stripe.customers.update(customer.id, { metadata: "", shipping: "", description: "" });
  assert.deepEqual(emptied.metadata, {});
  assert.equal(emptied.shipping, null);
  assert.equal(emptied.description, null);
}

async function listAndSearch(stripe, customer) {
  const others = [];
  for (const number of ["1", "2", "3", "4"]) {
    others.push(await stripe.customers.create({ email, metadata: { mark, number } }));
  }
  const newestFirst = [customer, ...others].map(({ id }) => id).reverse();

  const listed = [];
  for await (const { id } of stripe.customers.list({ email, limit: 2 })) listed.push(id);
  assert.deepEqual(listed, newestFirst);
  const page = await stripe.customers.list({ email, ending_before: newestFirst[2], expand: ["data.default_source"] });
  assert.deepEqual(page.data.map(({ id }) => id), newestFirst.slice(0, 2));
  assert.equal(page.has_more, false);

  const query = `metadata['mark']:'${mark}' AND -metadata['number']:'4'`;
  const found = [];
  for await (const { id } of stripe.customers.search({ query, limit: 2 })) found.push(id);
  assert.deepEqual(found.sort(), others.slice(0, 3).map(({ id }) => id).sort());
}

async function idempotency(stripe) {
  const idempotencyKey = randomUUID();
  const first = await stripe.customers.create({ name: "Once" }, { idempotencyKey });
  const again = await stripe.customers.create({ name: "Once" }, { idempotencyKey });
  assert.equal(again.id, first.id);
  assert.equal(first.lastResponse.headers["idempotent-replayed"], undefined);
  assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
  await refused(() => stripe.customers.create({ name: "Twice" }, { idempotencyKey }), "StripeIdempotencyError", {
    statusCode: 400,
    rawType: "idempotency_error",
  });
}

async function errors(stripe) {
  const missing = { statusCode: 404, rawType: "invalid_request_error", code: "resource_missing", param: "id" };
  await refused(() => stripe.customers.retrieve("cus_doesnotexist"), "StripeInvalidRequestError", missing);
  await refused(() => stripe.events.retrieve("evt_doesnotexist"), "StripeInvalidRequestError", missing);
  await refused(() => stripe.customers.create({ nickname: "Ada" }), "StripeInvalidRequestError", {
    statusCode: 400,
    code: "parameter_unknown",
    param: "nickname",
  });
  await refused(() => stripe.customers.list({ limit: 101 }), "StripeInvalidRequestError", {
    statusCode: 400,
    param: "limit",
  });
  await refused(() => connect("sk_test_wrong").customers.list(), "StripeAuthenticationError", {
    statusCode: 401,
    rawType: "invalid_request_error",
  });
  const publishable = connect(process.env.PUBLISHABLE_KEY);
  await refused(() => publishable.customers.list(), "StripePermissionError", {
    statusCode: 403,
    rawType: "invalid_request_error",
  });
}

async function deletion(stripe, customer) {
  const identity = { id: customer.id, object: "customer", deleted: true };
  assert.deepEqual({ ...(await stripe.customers.del(customer.id)) }, identity);
  assert.deepEqual({ ...(await stripe.customers.retrieve(customer.id)) }, identity);
  await refused(() => stripe.customers.update(customer.id, { name: "Ghost" }), "StripeInvalidRequestError", {
    statusCode: 404,
    code: "resource_missing",
  });
}

async function events(stripe, customer) {
  const about = async (type) => {
    const page = await stripe.events.list({ type, limit: 100 });
    assert.ok(page.data.every((event) => event.type === type));
    return page.data.filter((event) => event.data.object.id === customer.id);
  };
  const [created, ...moreCreated] = await about("customer.created");
  assert.deepEqual(moreCreated, []);
  assert.equal(created.data.object.name, "山田 太郎");
  assert.deepEqual(await stripe.events.retrieve(created.id), created);

  const [emptied, renamed, ...moreUpdated] = await about("customer.updated");
  assert.deepEqual(moreUpdated, []);
  assert.equal(renamed.data.previous_attributes.name, "山田 太郎");
  assert.deepEqual(renamed.data.previous_attributes.metadata, { order: "6735", tier: null });
  assert.equal(emptied.data.previous_attributes.shipping.name, "Zoë");

  assert.equal((await about("customer.deleted")).length, 1);
}

const stripe = connect(process.env.SECRET_KEY);
const customer = await createAndRetrieve(stripe);
await update(stripe, customer);
await listAndSearch(stripe, customer);
await idempotency(stripe);
await errors(stripe);
await deletion(stripe, customer);
await events(stripe, customer);
console.log(JSON.stringify(exchanges));
