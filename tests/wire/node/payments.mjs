// Payments through the official Node SDK, against the server at BASE_URL.
//
// What the SDK makes of the answers is asserted here; the answers themselves, exactly as they were sent, are
// printed as one line of JSON.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { connect, exchanges, refused } from "./client.mjs";

const stripe = connect(process.env.SECRET_KEY);
const browser = connect(process.env.PUBLISHABLE_KEY);
const mark = randomUUID();
const visa = { amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true };

/** Sends the form of the bank's page, as the customer does, and tells where that leads. */
async function authenticate(intent, result) {
  assert.equal(intent.status, "requires_action");
  assert.equal(intent.next_action.type, "redirect_to_url");
  const body = new URLSearchParams({ result });
  const page = await fetch(intent.next_action.redirect_to_url.url, { method: "POST", body, redirect: "manual" });
  const location = page.headers.get("location");
  return location && new URL(location);
}

async function automatic() {
  const intent = await stripe.paymentIntents.create({
    ...visa,
    metadata: { mark, note: "a=b&c[d] + 100 %" },
    expand: ["latest_charge", "payment_method"],
  });
  assert.equal(intent.status, "succeeded");
  assert.equal(intent.amount_received, 2000);
  assert.equal(intent.latest_charge.paid, true);
  assert.equal(intent.payment_method.card.last4, "4242");
  assert.deepEqual(intent.metadata, { mark, note: "a=b&c[d] + 100 %" });
  const expand = ["latest_charge.balance_transaction"];
  const { latest_charge: charge } = await stripe.paymentIntents.retrieve(intent.id, { expand });
  assert.equal(charge.balance_transaction.net, charge.balance_transaction.amount - charge.balance_transaction.fee);
  const transaction = await stripe.balanceTransactions.retrieve(charge.balance_transaction.id);
  assert.equal(transaction.source, charge.id);
  assert.equal((await stripe.charges.retrieve(charge.id)).payment_intent, intent.id);
  assert.equal((await stripe.charges.list({ payment_intent: intent.id })).data.length, 1);
  assert.ok((await stripe.balance.retrieve()).pending.some(({ currency }) => currency === "usd"));

  const found = [];
  for await (const { id } of stripe.paymentIntents.search({ query: `metadata['mark']:'${mark}'` })) found.push(id);
  assert.deepEqual(found, [intent.id]);
  const { data: told } = await stripe.events.list({ type: "payment_intent.succeeded", limit: 1 });
  assert.equal(told[0].data.object.id, intent.id);
}

async function stepByStep() {
  const created = await stripe.paymentIntents.create({
    amount: 1500,
    currency: "eur",
    automatic_payment_methods: { enabled: true },
  });
  assert.equal(created.status, "requires_payment_method");
  const { client_secret } = created;
  const seen = await browser.paymentIntents.retrieve(created.id, { client_secret });
  assert.equal(seen.amount, 1500);
  assert.equal(seen.metadata, undefined);
  const card = { number: "5555555555554444", exp_month: 12, exp_year: 2034, cvc: "123" };
  const token = await browser.tokens.create({ card });
  const method = await browser.paymentMethods.create({ type: "card", card: { token: token.id } });
  const paid = await browser.paymentIntents.confirm(created.id, { client_secret, payment_method: method.id });
  assert.equal(paid.status, "succeeded");
  await refused(() => browser.paymentIntents.list(), "StripePermissionError", { statusCode: 403 });
  const other = await stripe.paymentIntents.create({ amount: 1500, currency: "eur" });
  await refused(() => browser.paymentIntents.retrieve(other.id, { client_secret }), "StripeInvalidRequestError", {
    statusCode: 404,
    code: "resource_missing",
  });
  assert.equal((await stripe.paymentIntents.cancel(other.id)).status, "canceled");
}

async function captures() {
  const held = await stripe.paymentIntents.create({
    ...visa,
    capture_method: "manual",
    payment_method_options: {
      card: { request_multicapture: "if_available", request_incremental_authorization: "if_available" },
    },
  });
  assert.equal(held.status, "requires_capture");
  const raised = await stripe.paymentIntents.incrementAuthorization(held.id, { amount: 2500 });
  assert.equal(raised.amount_capturable, 2500);
  const part = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1000, final_capture: false });
  assert.deepEqual([part.status, part.amount_received, part.amount_capturable], ["requires_capture", 1000, 1500]);
  const last = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 500 });
  assert.deepEqual([last.status, last.amount_received, last.amount_capturable], ["succeeded", 1500, 0]);
  await refused(() => stripe.paymentIntents.capture(held.id), "StripeInvalidRequestError", {
    statusCode: 400,
    code: "payment_intent_unexpected_state",
  });
  const released = await stripe.paymentIntents.create({ ...visa, capture_method: "manual" });
  const canceled = await stripe.paymentIntents.cancel(released.id, { cancellation_reason: "duplicate" });
  assert.deepEqual([canceled.status, canceled.cancellation_reason], ["canceled", "duplicate"]);
}

async function declines() {
  const declined = { ...visa, payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds" };
  const error = await refused(() => stripe.paymentIntents.create(declined), "StripeCardError", {
    statusCode: 402,
    type: "StripeCardError",
    rawType: "card_error",
    code: "card_declined",
    decline_code: "insufficient_funds",
  });
  assert.equal(error.payment_intent.status, "requires_payment_method");
  assert.equal(error.payment_intent.last_payment_error.decline_code, "insufficient_funds");
  assert.equal(error.charge, error.payment_intent.latest_charge);
  assert.equal(error.payment_method.card.last4, "9995");
  const retried = await stripe.paymentIntents.confirm(error.payment_intent.id, { payment_method: "pm_card_visa" });
  assert.equal(retried.status, "succeeded");
}

async function actions() {
  const asking = { ...visa, payment_method: "pm_card_authenticationRequired", return_url: "https://shop.example/done" };
  const passed = await stripe.paymentIntents.create(asking);
  const back = await authenticate(passed, "passed");
  assert.equal(back.host, "shop.example");
  assert.equal(back.searchParams.get("payment_intent"), passed.id);
  assert.equal(back.searchParams.get("redirect_status"), "succeeded");
  assert.equal((await stripe.paymentIntents.retrieve(passed.id)).status, "succeeded");

  const failed = await stripe.paymentIntents.create(asking);
  await authenticate(failed, "failed");
  const after = await stripe.paymentIntents.retrieve(failed.id);
  assert.equal(after.status, "requires_payment_method");
  assert.equal(after.last_payment_error.code, "payment_intent_authentication_failure");

  const manual = await stripe.paymentIntents.create({ ...asking, confirmation_method: "manual" });
  await authenticate(manual, "passed");
  assert.equal((await stripe.paymentIntents.retrieve(manual.id)).status, "requires_confirmation");
  assert.equal((await stripe.paymentIntents.confirm(manual.id)).status, "succeeded");
}

async function savedCards() {
  const customer = await stripe.customers.create();
  const first = await stripe.paymentIntents.create({
    ...visa,
    customer: customer.id,
    setup_future_usage: "off_session",
  });
  const { data: saved } = await stripe.customers.listPaymentMethods(customer.id);
  assert.deepEqual(saved.map(({ id }) => id), [first.payment_method]);
  const again = await stripe.paymentIntents.create({
    ...visa,
    customer: customer.id,
    payment_method: saved[0].id,
    off_session: true,
  });
  assert.equal(again.status, "succeeded");
  const listed = [];
  for await (const { id } of stripe.paymentIntents.list({ customer: customer.id, limit: 1 })) listed.push(id);
  assert.deepEqual(listed, [again.id, first.id]);
  assert.equal((await stripe.paymentMethods.detach(saved[0].id)).customer, null);
}

async function refunds() {
  const intent = await stripe.paymentIntents.create(visa);
  const part = await stripe.refunds.create({ payment_intent: intent.id, amount: 500, metadata: { ticket: "7" } });
  assert.deepEqual([part.status, part.amount, part.metadata.ticket], ["succeeded", 500, "7"]);
  const rest = await stripe.refunds.create({ charge: intent.latest_charge, expand: ["charge"] });
  assert.deepEqual([rest.amount, rest.charge.refunded], [1500, true]);
  const { data } = await stripe.refunds.list({ payment_intent: intent.id });
  assert.deepEqual(data.map(({ id }) => id), [rest.id, part.id]);
  assert.equal((await stripe.refunds.update(part.id, { metadata: { ticket: "8" } })).metadata.ticket, "8");
  await refused(() => stripe.refunds.create({ payment_intent: intent.id }), "StripeInvalidRequestError", {
    statusCode: 400,
    code: "charge_already_refunded",
  });
}

async function setups() {
  const customer = await stripe.customers.create();
  const setup = await stripe.setupIntents.create({ customer: customer.id });
  assert.equal(setup.status, "requires_payment_method");
  const { client_secret } = setup;
  const asked = await browser.setupIntents.confirm(setup.id, {
    client_secret,
    payment_method: "pm_card_authenticationRequiredOnSetup",
    return_url: "https://shop.example/saved",
  });
  const back = await authenticate(asked, "passed");
  assert.equal(back.searchParams.get("setup_intent"), setup.id);
  const saved = await stripe.setupIntents.retrieve(setup.id);
  assert.equal(saved.status, "succeeded");
  const paid = await stripe.paymentIntents.create({
    ...visa,
    customer: customer.id,
    payment_method: saved.payment_method,
    off_session: true,
  });
  assert.equal(paid.status, "succeeded");
  const declined = { payment_method: "pm_card_visa_chargeDeclined", confirm: true };
  const error = await refused(() => stripe.setupIntents.create(declined), "StripeCardError", {
    code: "card_declined",
    decline_code: "generic_decline",
  });
  assert.equal(error.setup_intent.status, "requires_payment_method");
  assert.equal((await stripe.setupIntents.cancel(error.setup_intent.id)).status, "canceled");
}

async function disputes() {
  const intent = await stripe.paymentIntents.create({ ...visa, payment_method: "pm_card_createDispute" });
  const dispute = await until(async () => (await stripe.disputes.list({ payment_intent: intent.id })).data[0]);
  assert.deepEqual([dispute.status, dispute.amount, dispute.charge], ["needs_response", 2000, intent.latest_charge]);
  const evidence = { uncategorized_text: "winning_evidence" };
  assert.equal((await stripe.disputes.update(dispute.id, { evidence })).status, "under_review");
  const won = await until(async () => {
    const now = await stripe.disputes.retrieve(dispute.id);
    return now.status === "won" && now;
  });
  assert.equal(won.balance_transactions.reduce((total, { amount }) => total + amount, 0), 0);
}

/** Looks until what the bank does later has happened. */
async function until(look) {
  for (const deadline = Date.now() + 20_000; ; ) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < deadline, "the bank has not done it in time");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function idempotency() {
  const idempotencyKey = randomUUID();
  const first = await stripe.paymentIntents.create(visa, { idempotencyKey });
  const again = await stripe.paymentIntents.create(visa, { idempotencyKey });
  assert.equal(again.id, first.id);
  assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
  const other = { ...visa, amount: 2001 };
  await refused(() => stripe.paymentIntents.create(other, { idempotencyKey }), "StripeIdempotencyError", {
    statusCode: 400,
    rawType: "idempotency_error",
  });
}

async function errors() {
  const kind = "StripeInvalidRequestError";
  await refused(() => stripe.paymentIntents.create({ currency: "usd" }), kind, {
    statusCode: 400,
    code: "parameter_missing",
    param: "amount",
  });
  await refused(() => stripe.paymentIntents.create({ ...visa, amount: 10.5 }), kind, {
    code: "parameter_invalid_integer",
    param: "amount",
  });
  await refused(() => stripe.paymentIntents.create({ ...visa, amount: 1 }), kind, { code: "amount_too_small" });
  await refused(() => stripe.charges.retrieve("ch_doesnotexist"), kind, {
    statusCode: 404,
    code: "resource_missing",
  });
}

await automatic();
await stepByStep();
await captures();
await declines();
await actions();
await savedCards();
await refunds();
await setups();
await disputes();
await idempotency();
await errors();
console.log(JSON.stringify(exchanges));
