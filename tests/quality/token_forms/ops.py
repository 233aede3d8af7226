"""Tokens of secret stores, infrastructure tools and monitoring."""

import random
from hashlib import sha256

from tests.quality.token_forms.assignments import assigned, within
from tests.quality.token_forms.shapes import (
    ALNUM,
    BASE64,
    LOWER_NUM,
    SLOT,
    UPPER_NUM,
    URL64,
    Form,
    Maker,
    b64,
    b64url,
    bech32,
    either,
    hexes,
    json_b64,
    plain_name,
    random_b64,
    run,
    seq,
    slug,
    unix_time,
    uuid,
)

VAULT = "https://developer.hashicorp.com/vault/docs/concepts/tokens"
VAULT_SEAL = "https://developer.hashicorp.com/vault/docs/concepts/seal"
DOPPLER = "https://docs.doppler.com/reference/auth-token-formats"
TAILSCALE = "https://tailscale.com/kb/1277/key-prefixes"
WIREGUARD = "https://manpages.debian.org/testing/wireguard-tools/wg.8.en.html"
NEW_RELIC = "https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/"
GRAFANA = "https://grafana.com/docs/grafana/latest/administration/service-accounts/"
GRAFANA_CLOUD = "https://grafana.com/docs/grafana-cloud/security-and-account-management/"
SENTRY = "https://docs.sentry.io/account/auth-tokens/"
DATADOG = "https://docs.datadoghq.com/account_management/api-app-keys/"
ELASTIC = "https://www.elastic.co/docs/deploy-manage/api-keys/elasticsearch-api-keys"
PAGERDUTY = "https://support.pagerduty.com/main/docs/api-access-keys"
LAUNCHDARKLY = "https://docs.launchdarkly.com/home/account/api"


def doppler(kind: str) -> Maker:
    """Doppler's token of a kind."""
    return seq(f"dp.{kind}.", run(ALNUM, 43))


def tailscale(kind: str) -> Maker:
    """Tailscale's key of a kind: a public id, and the secret part."""
    return seq(f"tskey-{kind}-k", run(ALNUM, 10), "CNTRL-", run(ALNUM, 32))


def age_identity(rng: random.Random) -> str:
    """An age identity: 32 bytes in bech32, in capitals."""
    return bech32("age-secret-key-", rng.randbytes(32)).upper()


def vault_service(rng: random.Random) -> str:
    """Vault's service token: a prefix and a signed protobuf in base64 for URLs."""
    inner = b"hvs." + run(ALNUM, 24)(rng).encode()
    signed = b"\x08\x01\x12\x20" + rng.randbytes(32) + b"\x1a\x1e" + b"\n\x1c" + inner
    return "hvs." + b64url(signed)


def vault_batch(rng: random.Random) -> str:
    """Vault's batch token: a prefix and an encrypted blob."""
    return "hvb." + b64url(b"\x00\x00\x00\x01\x02" + rng.randbytes(rng.randint(110, 150)))


def grafana_old(rng: random.Random) -> str:
    """Grafana's old API key: JSON in base64 of a key, a name and an organization."""
    return json_b64({"k": run(ALNUM, 32)(rng), "n": plain_name(rng), "id": rng.randint(1, 9)})


def grafana_cloud(rng: random.Random) -> str:
    """Grafana Cloud's access token: a prefix and JSON in base64."""
    body: dict[str, object] = {"o": str(rng.randint(100_000, 999_999))}
    body |= {"n": f"stack-{rng.randint(100_000, 999_999)}-{plain_name(rng)}"}
    return "glc_" + json_b64({**body, "k": run(ALNUM, 24)(rng), "m": {"r": "prod-eu-west-2"}})


def sentry_org(rng: random.Random) -> str:
    """Sentry's organization token: JSON in base64, and 32 bytes in base64 without padding."""
    when = unix_time(rng) + rng.randint(1, 999_999) / 1_000_000
    body = {"iat": when, "url": "https://sentry.io", "region_url": "https://us.sentry.io"}
    secret = b64(rng.randbytes(32)).rstrip("=")
    return f"sntrys_{json_b64({**body, 'org': slug(rng)})}_{secret}"


def elastic_key(rng: random.Random) -> str:
    """Elasticsearch's encoded API key: base64 of an id and a secret."""
    return b64(f"{run(URL64, 20)(rng)}:{run(URL64, 22)(rng)}".encode())


def wireguard_key(rng: random.Random) -> str:
    """A key of Curve25519, clamped, in base64."""
    data = bytearray(sha256(rng.randbytes(32)).digest())
    data[0] &= 248
    data[31] = data[31] & 127 | 64
    return b64(bytes(data))


WIREGUARD_FILE = f"[Interface]\nPrivateKey = {SLOT}\nAddress = 10.8.0.2/24\nDNS = 10.8.0.1"
PRESHARED_FILE = (
    f"[Peer]\nPresharedKey = {SLOT}\nAllowedIPs = 0.0.0.0/0\nEndpoint = vpn.example.org:51820"
)

FORMS: tuple[Form, ...] = (
    Form("vault service token", "HashiCorp", vault_service, VAULT),
    Form("vault batch token", "HashiCorp", vault_batch, VAULT),
    Form("vault recovery token", "HashiCorp", seq("hvr.", run(ALNUM, 24)), VAULT),
    Form("vault old service token", "HashiCorp", seq("s.", run(ALNUM, 24)), VAULT),
    Form(
        "vault unseal key",
        "HashiCorp",
        lambda rng: b64(rng.randbytes(33)),
        VAULT_SEAL,
        within(f"Unseal Key 1: {SLOT}", f"vault operator unseal {SLOT}"),
        "line",
    ),
    Form(
        "terraform cloud token",
        "HashiCorp",
        seq(run(ALNUM, 14), ".atlasv1.", run(ALNUM, 67)),
        "https://developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens",
    ),
    Form(
        "consul token",
        "HashiCorp",
        uuid,
        "https://developer.hashicorp.com/consul/docs/security/acl/tokens",
        assigned("consul http token"),
    ),
    Form(
        "pulumi token",
        "Pulumi",
        seq("pul-", hexes(40)),
        "https://www.pulumi.com/docs/pulumi-cloud/access-management/access-tokens/",
    ),
    Form("doppler personal token", "Doppler", doppler("pt"), DOPPLER),
    Form("doppler service token", "Doppler", doppler("st"), DOPPLER),
    Form("doppler service token of a config", "Doppler", doppler("st.prd"), DOPPLER),
    Form("doppler service account token", "Doppler", doppler("sa"), DOPPLER),
    Form("doppler scim token", "Doppler", doppler("scim"), DOPPLER),
    Form("doppler audit token", "Doppler", doppler("audit"), DOPPLER),
    Form("doppler cli token", "Doppler", doppler("ct"), DOPPLER),
    Form("tailscale auth key", "Tailscale", tailscale("auth"), TAILSCALE),
    Form("tailscale api key", "Tailscale", tailscale("api"), TAILSCALE),
    Form("tailscale client secret", "Tailscale", tailscale("client"), TAILSCALE),
    Form(
        "ngrok token",
        "ngrok",
        seq("2", run(ALNUM, 26), "_", run("123456789", 1), run(ALNUM, 20)),
        "https://ngrok.com/docs/agent/",
        within(f"ngrok config add-authtoken {SLOT}", f"NGROK_AUTHTOKEN={SLOT}"),
        "line",
    ),
    Form(
        "wireguard private key",
        "WireGuard",
        wireguard_key,
        WIREGUARD,
        within(WIREGUARD_FILE),
        "block",
    ),
    Form(
        "wireguard preshared key",
        "WireGuard",
        random_b64(32),
        WIREGUARD,
        within(PRESHARED_FILE),
        "block",
    ),
    Form("age identity", "age", age_identity, "https://github.com/C2SP/C2SP/blob/main/age.md"),
    Form(
        "dynatrace token",
        "Dynatrace",
        seq("dt0c01.", run(UPPER_NUM, 24), ".", run(UPPER_NUM, 64)),
        "https://docs.dynatrace.com/docs/dynatrace-api/basics/dynatrace-api-authentication",
    ),
    Form(
        "datadog api key", "Datadog", hexes(32), DATADOG, assigned("dd api key", "datadog api key")
    ),
    Form(
        "datadog app key", "Datadog", hexes(40), DATADOG, assigned("dd app key", "datadog app key")
    ),
    Form("new relic user key", "New Relic", seq("NRAK-", run(UPPER_NUM, 27)), NEW_RELIC),
    Form("new relic insert key", "New Relic", seq("NRII-", run(URL64, 32)), NEW_RELIC),
    Form("new relic browser key", "New Relic", seq("NRJS-", hexes(19)), NEW_RELIC),
    Form(
        "new relic license key",
        "New Relic",
        seq("eu01xx", hexes(30), "NRAL"),
        NEW_RELIC,
    ),
    Form(
        "grafana service account", "Grafana", seq("glsa_", run(ALNUM, 32), "_", hexes(8)), GRAFANA
    ),
    Form("grafana cloud token", "Grafana", grafana_cloud, GRAFANA_CLOUD),
    Form("grafana old api key", "Grafana", grafana_old, GRAFANA),
    Form("sentry organization token", "Sentry", sentry_org, SENTRY),
    Form("sentry user token", "Sentry", seq("sntryu_", hexes(64)), SENTRY),
    Form("sentry integration token", "Sentry", seq("sntryi_", hexes(64)), SENTRY),
    Form(
        "elastic api key",
        "Elastic",
        elastic_key,
        ELASTIC,
        within(f"Authorization: ApiKey {SLOT}", f"ELASTIC_API_KEY={SLOT}"),
        "line",
    ),
    Form(
        "splunk collector token",
        "Splunk",
        uuid,
        "https://docs.splunk.com/Documentation/Splunk/latest/Data/UsetheHTTPEventCollector",
        within(f"Authorization: Splunk {SLOT}", f"SPLUNK_HEC_TOKEN={SLOT}"),
        "line",
    ),
    Form(
        "sumo logic access key",
        "Sumo Logic",
        run(ALNUM, 64),
        "https://help.sumologic.com/docs/manage/security/access-keys/",
        assigned("sumo access key", "sumologic access key"),
    ),
    Form("pagerduty user token", "PagerDuty", seq("u+", run(ALNUM, 18)), PAGERDUTY),
    Form(
        "pagerduty api key",
        "PagerDuty",
        run(URL64, 20),
        PAGERDUTY,
        within(f"Authorization: Token token={SLOT}", f"PAGERDUTY_TOKEN={SLOT}"),
        "line",
    ),
    Form(
        "opsgenie api key",
        "Atlassian",
        uuid,
        "https://docs.opsgenie.com/docs/authentication",
        within(f"Authorization: GenieKey {SLOT}", f"OPSGENIE_API_KEY={SLOT}"),
        "line",
    ),
    Form("launchdarkly sdk key", "LaunchDarkly", seq("sdk-", uuid), LAUNCHDARKLY),
    Form("launchdarkly api token", "LaunchDarkly", seq("api-", uuid), LAUNCHDARKLY),
    Form(
        "rootly api key",
        "Rootly",
        seq("rootly_", hexes(64)),
        "https://docs.rootly.com/api-reference/overview",
    ),
    Form(
        "stackhawk api key",
        "StackHawk",
        seq("hawk.", run(URL64, 20), ".", run(URL64, 20)),
        "https://docs.stackhawk.com/web-app/",
    ),
    Form(
        "tenable or nessus key",
        "Tenable",
        hexes(64),
        "https://developer.tenable.com/docs/authorization",
        within(f"X-ApiKeys: accessKey=a1; secretKey={SLOT};", f"TENABLE_SECRET_KEY={SLOT}"),
        "line",
    ),
    Form(
        "duo integration secret",
        "Duo",
        run(ALNUM, 40),
        "https://duo.com/docs/adminapi",
        assigned("duo skey", "duo secret key"),
    ),
    Form(
        "okta api token",
        "Okta",
        seq("00", run(URL64, 39), run(ALNUM, 1)),
        "https://developer.okta.com/docs/guides/create-an-api-token/main/",
        within(f"Authorization: SSWS {SLOT}", f"OKTA_API_TOKEN={SLOT}", f'okta_token = "{SLOT}"'),
        "line",
    ),
    Form(
        "auth0 client secret",
        "Auth0",
        run(URL64, 64),
        "https://auth0.com/docs/secure/application-credentials",
        assigned("auth0 client secret"),
    ),
    Form(
        "portainer token",
        "Portainer",
        seq("ptr_", random_b64(32)),
        "https://docs.portainer.io/api/access",
    ),
    Form(
        "secret of 32 bytes",
        "various",
        seq(run(BASE64, 43), "="),
        "https://datatracker.ietf.org/doc/html/rfc4648#section-4",
        assigned("signing secret", "hmac secret", "cookie secret"),
    ),
    Form(
        "mapbox secret token",
        "Mapbox",
        lambda rng: ".".join(
            (
                "sk",
                json_b64({"u": plain_name(rng), "a": "cm" + run(LOWER_NUM, 23)(rng)}).rstrip("="),
                run(URL64, 22)(rng),
            )
        ),
        "https://docs.mapbox.com/api/accounts/tokens/#token-format",
    ),
    Form(
        "fastly token",
        "Fastly",
        run(URL64, 32),
        "https://www.fastly.com/documentation/reference/api/#authentication",
        within(f"Fastly-Key: {SLOT}", f"FASTLY_API_TOKEN={SLOT}", f'fastly_api_key: "{SLOT}"'),
        "line",
    ),
    Form(
        "algolia admin key",
        "Algolia",
        hexes(32),
        "https://www.algolia.com/doc/guides/security/api-keys/",
        assigned("algolia admin key", "algolia api key"),
    ),
    Form(
        "twitch oauth token",
        "Twitch",
        run(LOWER_NUM, 30),
        "https://dev.twitch.tv/docs/authentication/",
        within(f"PASS oauth:{SLOT}", f"TWITCH_CLIENT_SECRET={SLOT}"),
        "line",
    ),
    Form(
        "maxmind license key",
        "MaxMind",
        seq(run(ALNUM, 6), "_", run(ALNUM, 29), "_mmk"),
        "https://support.maxmind.com/hc/en-us/articles/4407111582235",
    ),
    Form(
        "easypost key",
        "EasyPost",
        seq(either("EZAK", "EZTK"), run(ALNUM, 54)),
        "https://docs.easypost.com/docs/authentication",
    ),
)
