"""Keys of payments, shops and parcels."""

from tests.quality.token_forms.assignments import assigned, within
from tests.quality.token_forms.shapes import (
    ALNUM,
    LOWER_NUM,
    SLOT,
    URL64,
    Form,
    hexes,
    run,
    seq,
    uuid,
)

STRIPE = "https://docs.stripe.com/keys"
STRIPE_HOOK = "https://docs.stripe.com/webhooks/signature"
SQUARE = "https://developer.squareup.com/docs/build-basics/access-tokens"
SHOPIFY = "https://shopify.dev/docs/apps/build/authentication-authorization"
PLAID = "https://plaid.com/docs/quickstart/glossary/"
PAYPAL = f"curl -u 'AbC1-client:{SLOT}' https://api-m.paypal.com/v1/oauth2/token"

FORMS: tuple[Form, ...] = (
    Form("stripe secret key", "Stripe", seq("sk_live_51", run(ALNUM, 97)), STRIPE),
    Form("stripe old secret key", "Stripe", seq("sk_live_", run(ALNUM, 24)), STRIPE),
    Form("stripe test key", "Stripe", seq("sk_test_51", run(ALNUM, 97)), STRIPE),
    Form("stripe restricted key", "Stripe", seq("rk_live_51", run(ALNUM, 97)), STRIPE),
    Form("stripe webhook secret", "Stripe", seq("whsec_", run(ALNUM, 32)), STRIPE_HOOK),
    Form("square access token", "Square", seq("EAAA", run(URL64, 60)), SQUARE),
    Form("square old access token", "Square", seq("sq0atp-", run(URL64, 22)), SQUARE),
    Form("square application secret", "Square", seq("sq0csp-", run(URL64, 43)), SQUARE),
    Form("plaid access token", "Plaid", seq("access-production-", uuid), PLAID),
    Form("plaid secret", "Plaid", hexes(30), PLAID, assigned("plaid secret", "plaid secret key")),
    Form(
        "paypal secret",
        "PayPal",
        seq("E", run(URL64, 78), run(ALNUM, 1)),
        "https://developer.paypal.com/api/rest/authentication/",
        within(PAYPAL, f"PAYPAL_CLIENT_SECRET={SLOT}"),
        "line",
    ),
    Form(
        "braintree access token",
        "PayPal",
        seq("access_token$production$", run(LOWER_NUM, 16), "$", hexes(32)),
        "https://developer.paypal.com/braintree/docs/guides/extend/oauth/access-tokens",
    ),
    Form(
        "paystack secret key",
        "Paystack",
        seq("sk_live_", hexes(40)),
        "https://paystack.com/docs/api/authentication/",
    ),
    Form(
        "razorpay secret",
        "Razorpay",
        run(ALNUM, 24),
        "https://razorpay.com/docs/api/authentication/",
        assigned("razorpay key secret"),
    ),
    Form(
        "flutterwave secret key",
        "Flutterwave",
        seq("FLWSECK-", hexes(32), "-X"),
        "https://developer.flutterwave.com/docs/authentication",
    ),
    Form(
        "gocardless token",
        "GoCardless",
        seq("live_", run(URL64, 40)),
        "https://developer.gocardless.com/api-reference/#making-requests-authentication",
        assigned("gocardless access token"),
    ),
    Form(
        "mollie key",
        "Mollie",
        seq("live_", run(ALNUM, 30)),
        "https://docs.mollie.com/reference/authentication",
        assigned("mollie api key"),
    ),
    Form(
        "duffel token",
        "Duffel",
        seq("duffel_live_", run(URL64, 43)),
        "https://duffel.com/docs/api/overview/making-requests",
    ),
    Form(
        "shippo token",
        "Shippo",
        seq("shippo_live_", hexes(40)),
        "https://docs.goshippo.com/docs/guides_general/authentication/",
    ),
    Form("shopify access token", "Shopify", seq("shpat_", hexes(32)), SHOPIFY),
    Form("shopify shared secret", "Shopify", seq("shpss_", hexes(32)), SHOPIFY),
    Form("shopify custom app token", "Shopify", seq("shpca_", hexes(32)), SHOPIFY),
    Form("shopify private app password", "Shopify", seq("shppa_", hexes(32)), SHOPIFY),
)
