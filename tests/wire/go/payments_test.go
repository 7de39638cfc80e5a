package wire

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v86"
	"github.com/stripe/stripe-go/v86/paymentintent"
)

func equal[T comparable](t *testing.T, what string, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Errorf("%s is %v, not %v", what, got, wanted)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// refused is the SDK's error of a call that must not succeed.
func refused(t *testing.T, err error, status int, kind stripe.ErrorType, code stripe.ErrorCode) *stripe.Error {
	t.Helper()
	var told *stripe.Error
	if !errors.As(err, &told) {
		t.Fatalf("expected an error of the SDK, got %v", err)
	}
	equal(t, "status", told.HTTPStatusCode, status)
	equal(t, "type", told.Type, kind)
	equal(t, "code", told.Code, code)
	if told.Msg == "" || told.RequestID == "" {
		t.Errorf("every error has a message and names its request: %v", told)
	}
	return told
}

// authenticate sends the form of the bank's page, as the customer does, and tells where that leads.
func authenticate(t *testing.T, address, result string) *url.URL {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response := must[*http.Response](t)(browser.PostForm(address, url.Values{"result": {result}}))
	defer response.Body.Close()
	location, err := response.Location()
	if err != nil && !errors.Is(err, http.ErrNoLocation) {
		t.Fatal(err)
	}
	return location
}

// The card form sends a payment method; the server confirms, and once more after the customer has authenticated.
func newManualPayment(method string) (*stripe.PaymentIntent, error) {
	return paymentintent.New(&stripe.PaymentIntentParams{
		Amount:             stripe.Int64(1099),
		Confirm:            stripe.Bool(true),
		ConfirmationMethod: stripe.String(string(stripe.PaymentIntentConfirmationMethodManual)),
		Currency:           stripe.String(string(stripe.CurrencyUSD)),
		PaymentMethod:      stripe.String(method),
		ReturnURL:          stripe.String("https://shop.example/done"),
	})
}

func TestManualConfirmationOfACardThatNeedsNoAction(t *testing.T) {
	intent := must[*stripe.PaymentIntent](t)(newManualPayment("pm_card_visa"))
	equal(t, "status", intent.Status, stripe.PaymentIntentStatusSucceeded)
	equal(t, "amount received", intent.AmountReceived, 1099)
	equal(t, "confirmation method", intent.ConfirmationMethod, stripe.PaymentIntentConfirmationMethodManual)
	if intent.NextAction != nil || intent.LatestCharge == nil || intent.LatestCharge.ID == "" {
		t.Errorf("a paid intent has a charge and no next action: %+v", intent)
	}
}

func TestManualConfirmationWithAnAction(t *testing.T) {
	intent := must[*stripe.PaymentIntent](t)(newManualPayment("pm_card_threeDSecure2Required"))
	equal(t, "status", intent.Status, stripe.PaymentIntentStatusRequiresAction)
	equal(t, "next action", intent.NextAction.Type, stripe.PaymentIntentNextActionTypeRedirectToURL)

	back := authenticate(t, intent.NextAction.RedirectToURL.URL, "passed")
	equal(t, "host", back.Host, "shop.example")
	equal(t, "intent", back.Query().Get("payment_intent"), intent.ID)

	waiting := must[*stripe.PaymentIntent](t)(paymentintent.Get(intent.ID, nil))
	equal(t, "status", waiting.Status, stripe.PaymentIntentStatusRequiresConfirmation)
	confirmed := must[*stripe.PaymentIntent](t)(paymentintent.Confirm(intent.ID, nil))
	equal(t, "status", confirmed.Status, stripe.PaymentIntentStatusSucceeded)
	equal(t, "amount received", confirmed.AmountReceived, 1099)
}

func TestManualConfirmationAfterAFailedAction(t *testing.T) {
	intent := must[*stripe.PaymentIntent](t)(newManualPayment("pm_card_threeDSecure2Required"))
	authenticate(t, intent.NextAction.RedirectToURL.URL, "failed")
	after := must[*stripe.PaymentIntent](t)(paymentintent.Get(intent.ID, nil))
	equal(t, "status", after.Status, stripe.PaymentIntentStatusRequiresPaymentMethod)
	equal(t, "code", after.LastPaymentError.Code, stripe.ErrorCodePaymentIntentAuthenticationFailure)
	_, err := paymentintent.Confirm(intent.ID, nil)
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodePaymentIntentUnexpectedState)
}

func TestDecline(t *testing.T) {
	_, err := newManualPayment("pm_card_visa_chargeDeclinedInsufficientFunds")
	told := refused(t, err, 402, stripe.ErrorTypeCard, stripe.ErrorCodeCardDeclined)
	equal(t, "decline code", told.DeclineCode, stripe.DeclineCodeInsufficientFunds)
	equal(t, "status", told.PaymentIntent.Status, stripe.PaymentIntentStatusRequiresPaymentMethod)
	equal(t, "charge", told.PaymentIntent.LatestCharge.ID, told.ChargeID)
	equal(t, "last digits", told.PaymentMethod.Card.Last4, "9995")
	var card *stripe.CardError
	if !errors.As(told.Err, &card) {
		t.Fatalf("a decline is a CardError, not %T", told.Err)
	}
	equal(t, "decline code", card.DeclineCode, stripe.DeclineCodeInsufficientFunds)
}

func TestRefusals(t *testing.T) {
	_, err := paymentintent.New(&stripe.PaymentIntentParams{Currency: stripe.String("usd")})
	told := refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeParameterMissing)
	equal(t, "param", told.Param, "amount")
	var invalid *stripe.InvalidRequestError
	if !errors.As(told.Err, &invalid) {
		t.Errorf("a refusal is an InvalidRequestError, not %T", told.Err)
	}
	_, err = paymentintent.Get("pi_doesnotexist", nil)
	refused(t, err, 404, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeResourceMissing)
	_, err = connect("sk_test_wrong").V1PaymentIntents.Retrieve(context.TODO(), "pi_doesnotexist", nil)
	refused(t, err, 401, stripe.ErrorTypeInvalidRequest, "api_key_invalid")
	_, err = connect(os.Getenv("PUBLISHABLE_KEY")).V1Balance.Retrieve(context.TODO(), nil)
	refused(t, err, 403, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeSecretKeyRequired)
}

func TestIdempotency(t *testing.T) {
	create := func(amount int64, key string) (*stripe.PaymentIntent, error) {
		params := &stripe.PaymentIntentParams{
			Amount:        stripe.Int64(amount),
			Confirm:       stripe.Bool(true),
			Currency:      stripe.String("eur"),
			PaymentMethod: stripe.String("pm_card_visa"),
		}
		params.SetIdempotencyKey(key)
		return paymentintent.New(params)
	}
	key := stripe.NewIdempotencyKey()
	first := must[*stripe.PaymentIntent](t)(create(2000, key))
	again := must[*stripe.PaymentIntent](t)(create(2000, key))
	equal(t, "id", again.ID, first.ID)
	equal(t, "replayed", again.LastResponse.Header.Get("Idempotent-Replayed"), "true")
	_, err := create(2001, key)
	told := refused(t, err, 400, stripe.ErrorTypeIdempotency, "idempotency_key_reused")
	var mismatch *stripe.IdempotencyError
	if !errors.As(told.Err, &mismatch) {
		t.Errorf("a mismatch is an IdempotencyError, not %T", told.Err)
	}
}

func TestCapture(t *testing.T) {
	client, ctx := connect(os.Getenv("SECRET_KEY")), context.TODO()
	params := &stripe.PaymentIntentCreateParams{
		Amount:        stripe.Int64(5000),
		CaptureMethod: stripe.String(string(stripe.PaymentIntentCaptureMethodManual)),
		Confirm:       stripe.Bool(true),
		Currency:      stripe.String(string(stripe.CurrencyEUR)),
		PaymentMethod: stripe.String("pm_card_mastercard"),
		Metadata:      map[string]string{"order": "6735"},
		PaymentMethodOptions: &stripe.PaymentIntentCreatePaymentMethodOptionsParams{
			Card: &stripe.PaymentIntentCreatePaymentMethodOptionsCardParams{
				RequestIncrementalAuthorization: stripe.String("if_available"),
			},
		},
	}
	params.AddExpand("latest_charge")
	params.AddExpand("payment_method")
	held := must[*stripe.PaymentIntent](t)(client.V1PaymentIntents.Create(ctx, params))
	equal(t, "status", held.Status, stripe.PaymentIntentStatusRequiresCapture)
	equal(t, "captured", held.LatestCharge.Captured, false)
	equal(t, "brand", held.PaymentMethod.Card.Brand, stripe.PaymentMethodCardBrandMastercard)
	equal(t, "metadata", held.Metadata["order"], "6735")

	raised := must[*stripe.PaymentIntent](t)(client.V1PaymentIntents.IncrementAuthorization(
		ctx, held.ID, &stripe.PaymentIntentIncrementAuthorizationParams{Amount: stripe.Int64(6000)}))
	equal(t, "capturable", raised.AmountCapturable, 6000)
	capture := &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(5500)}
	captured := must[*stripe.PaymentIntent](t)(client.V1PaymentIntents.Capture(ctx, held.ID, capture))
	equal(t, "status", captured.Status, stripe.PaymentIntentStatusSucceeded)
	equal(t, "received", captured.AmountReceived, 5500)

	charge := must[*stripe.Charge](t)(client.V1Charges.Retrieve(ctx, captured.LatestCharge.ID, nil))
	equal(t, "captured", charge.AmountCaptured, 5500)
	transaction := must[*stripe.BalanceTransaction](t)(
		client.V1BalanceTransactions.Retrieve(ctx, charge.BalanceTransaction.ID, nil))
	equal(t, "net", transaction.Net, transaction.Amount-transaction.Fee)
	equal(t, "source", transaction.Source.ID, charge.ID)

	_, err := client.V1PaymentIntents.Cancel(ctx, held.ID, nil)
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodePaymentIntentUnexpectedState)
}

func TestSavedCard(t *testing.T) {
	client, ctx := connect(os.Getenv("SECRET_KEY")), context.TODO()
	customer := must[*stripe.Customer](t)(client.V1Customers.Create(ctx, &stripe.CustomerCreateParams{
		Email: stripe.String("ada@example.com"),
	}))
	method := must[*stripe.PaymentMethod](t)(client.V1PaymentMethods.Create(ctx, &stripe.PaymentMethodCreateParams{
		Type: stripe.String("card"),
		Card: &stripe.PaymentMethodCreateCardParams{
			Number:   stripe.String("4242424242424242"),
			ExpMonth: stripe.Int64(12),
			ExpYear:  stripe.Int64(2034),
			CVC:      stripe.String("123"),
		},
	}))
	attached := must[*stripe.PaymentMethod](t)(client.V1PaymentMethods.Attach(
		ctx, method.ID, &stripe.PaymentMethodAttachParams{Customer: stripe.String(customer.ID)}))
	equal(t, "customer", attached.Customer.ID, customer.ID)
	intent := must[*stripe.PaymentIntent](t)(client.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{
		Amount:        stripe.Int64(2000),
		Confirm:       stripe.Bool(true),
		Currency:      stripe.String("usd"),
		Customer:      stripe.String(customer.ID),
		OffSession:    stripe.Bool(true),
		PaymentMethod: stripe.String(method.ID),
	}))
	equal(t, "status", intent.Status, stripe.PaymentIntentStatusSucceeded)

	var listed []string
	list := &stripe.PaymentIntentListParams{Customer: stripe.String(customer.ID)}
	for found, err := range client.V1PaymentIntents.List(ctx, list).All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, found.ID)
	}
	equal(t, "list", strings.Join(listed, " "), intent.ID)
	search := &stripe.PaymentIntentSearchParams{}
	search.Query = "customer:'" + customer.ID + "'"
	for found, err := range client.V1PaymentIntents.Search(ctx, search).All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "found", found.ID, intent.ID)
	}
	detached := must[*stripe.PaymentMethod](t)(client.V1PaymentMethods.Detach(ctx, method.ID, nil))
	if detached.Customer != nil {
		t.Errorf("a detached card has no customer: %v", detached.Customer)
	}
}

func TestRefund(t *testing.T) {
	client, ctx := connect(os.Getenv("SECRET_KEY")), context.TODO()
	intent := must[*stripe.PaymentIntent](t)(newManualPayment("pm_card_visa"))
	create := &stripe.RefundCreateParams{PaymentIntent: stripe.String(intent.ID), Amount: stripe.Int64(99)}
	create.AddExpand("charge")
	refund := must[*stripe.Refund](t)(client.V1Refunds.Create(ctx, create))
	equal(t, "status", refund.Status, stripe.RefundStatusSucceeded)
	equal(t, "refunded", refund.Charge.AmountRefunded, 99)
	_, err := client.V1Refunds.Create(ctx, &stripe.RefundCreateParams{
		PaymentIntent: stripe.String(intent.ID), Amount: stripe.Int64(1001)})
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeAmountTooLarge)
}

func TestSetup(t *testing.T) {
	client, ctx := connect(os.Getenv("SECRET_KEY")), context.TODO()
	setup := must[*stripe.SetupIntent](t)(client.V1SetupIntents.Create(ctx, &stripe.SetupIntentCreateParams{
		Confirm:       stripe.Bool(true),
		PaymentMethod: stripe.String("pm_card_authenticationRequired"),
		ReturnURL:     stripe.String("https://shop.example/saved"),
	}))
	equal(t, "status", setup.Status, stripe.SetupIntentStatusRequiresAction)
	authenticate(t, setup.NextAction.RedirectToURL.URL, "passed")
	saved := must[*stripe.SetupIntent](t)(client.V1SetupIntents.Retrieve(ctx, setup.ID, nil))
	equal(t, "status", saved.Status, stripe.SetupIntentStatusSucceeded)
	_, err := client.V1SetupIntents.Create(ctx, &stripe.SetupIntentCreateParams{
		Confirm: stripe.Bool(true), PaymentMethod: stripe.String("pm_card_visa_chargeDeclined")})
	told := refused(t, err, 402, stripe.ErrorTypeCard, stripe.ErrorCodeCardDeclined)
	equal(t, "status", told.SetupIntent.Status, stripe.SetupIntentStatusRequiresPaymentMethod)
}

func TestEvents(t *testing.T) {
	client, ctx := connect(os.Getenv("SECRET_KEY")), context.TODO()
	intent := must[*stripe.PaymentIntent](t)(newManualPayment("pm_card_visa"))
	list := &stripe.EventListParams{Type: stripe.String(string(stripe.EventTypePaymentIntentSucceeded))}
	list.Limit = stripe.Int64(1)
	for event, err := range client.V1Events.List(ctx, list).All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "event about", event.GetObjectValue("id"), intent.ID)
		equal(t, "status", event.GetObjectValue("status"), "succeeded")
		break
	}
}
