"""Keys of hosts, networks and databases for rent."""

import random

from tests.quality.token_forms.assignments import assigned
from tests.quality.token_forms.shapes import (
    ALNUM,
    DIGITS,
    LOWER_NUM,
    UPPER_NUM,
    URL64,
    Form,
    Maker,
    either,
    hexes,
    json_b64,
    jwt,
    plain_name,
    random_b64,
    run,
    seq,
    summed_hex,
    unix_time,
    uuid,
)

CLOUDFLARE = "https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/"
CLOUDFLARE_OLD = "https://developers.cloudflare.com/fundamentals/api/get-started/keys/"
DIGITALOCEAN = "https://docs.digitalocean.com/reference/api/"
HEROKU = "https://devcenter.heroku.com/articles/authentication"
FLY = (
    "https://fly.io/docs/security/tokens/; https://github.com/gitleaks/gitleaks: flyio-access-token"
)
SUPABASE = "https://supabase.com/docs/guides/api/api-keys"
PLANETSCALE = "https://planetscale.com/docs/reference/service-tokens"
SCALEWAY = "https://www.scaleway.com/en/docs/iam/how-to/create-api-keys/"
YANDEX = "https://yandex.cloud/en/docs/iam/concepts/authorization/"
GITLEAKS = "https://github.com/gitleaks/gitleaks: config/gitleaks.toml"
KUBERNETES = "https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/"


def kubernetes_token(rng: random.Random) -> str:
    """The token of a service account of Kubernetes."""
    who = f"{plain_name(rng)}:deployer"
    body = {
        "aud": ["https://kubernetes.default.svc.cluster.local"],
        "exp": unix_time(rng),
        "iss": "https://kubernetes.default.svc.cluster.local",
        "sub": f"system:serviceaccount:{who}",
    }
    return jwt({"alg": "RS256", "kid": run(URL64, 43)(rng)}, body, rng)


def service_role(rng: random.Random) -> str:
    """Supabase's service_role key, a JWT."""
    made = unix_time(rng)
    body: dict[str, object] = {"iss": "supabase", "ref": run("abcdefghijklmnopqrstuvwxyz", 20)(rng)}
    body |= {"role": "service_role", "iat": made, "exp": made + 315_360_000}
    return jwt({"alg": "HS256", "typ": "JWT"}, body, rng)


def ops_token(rng: random.Random) -> str:
    """1Password's service account token: JSON in base64."""
    muk = {"alg": "A256GCM", "ext": True, "k": run(URL64, 43)(rng), "key_ops": ["encrypt"]}
    body: dict[str, object] = {
        "signInAddress": "my.1password.com",
        "userAuth": {"method": "SRPg-4096"},
    }
    body |= {"email": f"{run(LOWER_NUM, 13)(rng)}@1passwordserviceaccounts.com"}
    body |= {"srpX": hexes(64)(rng), "muk": {**muk, "kty": "oct", "kid": "mp"}}
    body |= {"secretKey": one_password(rng), "throttleSecret": {"seed": hexes(64)(rng)}}
    return "ops_" + json_b64(body)


_five = seq("-", run(UPPER_NUM, 5))
one_password: Maker = seq(
    "A3-", run(UPPER_NUM, 6), "-", run(UPPER_NUM, 6), _five, _five, _five, _five
)

FORMS: tuple[Form, ...] = (
    Form("cloudflare user token", "Cloudflare", summed_hex("cfut_", ALNUM, 40), CLOUDFLARE),
    Form("cloudflare account token", "Cloudflare", summed_hex("cfat_", ALNUM, 40), CLOUDFLARE),
    Form("cloudflare global key", "Cloudflare", summed_hex("cfk_", ALNUM, 40), CLOUDFLARE),
    Form(
        "cloudflare old token",
        "Cloudflare",
        run(URL64, 40),
        "https://developers.cloudflare.com/fundamentals/api/get-started/create-token/",
        assigned("cloudflare api token"),
    ),
    Form(
        "cloudflare old global key",
        "Cloudflare",
        hexes(37),
        CLOUDFLARE_OLD,
        assigned("cloudflare api key"),
    ),
    Form(
        "cloudflare origin ca key",
        "Cloudflare",
        seq("v1.0-", hexes(24), "-", hexes(146)),
        CLOUDFLARE_OLD,
    ),
    Form("digitalocean token", "DigitalOcean", seq("dop_v1_", hexes(64)), DIGITALOCEAN),
    Form("digitalocean oauth token", "DigitalOcean", seq("doo_v1_", hexes(64)), DIGITALOCEAN),
    Form("digitalocean refresh token", "DigitalOcean", seq("dor_v1_", hexes(64)), DIGITALOCEAN),
    Form("heroku token", "Heroku", seq("HRKU-AA", run(URL64, 58)), HEROKU),
    Form("heroku old key", "Heroku", uuid, HEROKU, assigned("heroku api key")),
    Form("fly old token", "Fly.io", seq("fo1_", run(URL64, 43)), FLY),
    Form("fly macaroon", "Fly.io", seq("FlyV1 fm2_", random_b64(420)), FLY, None, "line"),
    Form(
        "linode token",
        "Linode",
        hexes(64),
        "https://techdocs.akamai.com/linode-api/reference/get-started",
        assigned("linode token", "linode cli token"),
    ),
    Form(
        "vultr api key",
        "Vultr",
        run(UPPER_NUM, 36),
        "https://www.vultr.com/api/",
        assigned("vultr api key"),
    ),
    Form("scaleway secret key", "Scaleway", uuid, SCALEWAY, assigned("scw secret key")),
    Form(
        "hetzner token",
        "Hetzner",
        run(ALNUM, 64),
        "https://docs.hetzner.cloud/",
        assigned("hcloud token"),
    ),
    Form(
        "vercel token",
        "Vercel",
        run(ALNUM, 24),
        "https://vercel.com/docs/rest-api",
        assigned("vercel token"),
    ),
    Form(
        "netlify token",
        "Netlify",
        seq("nfp_", run(ALNUM, 36)),
        "https://docs.netlify.com/api/get-started/",
    ),
    Form(
        "railway token",
        "Railway",
        uuid,
        "https://docs.railway.com/guides/public-api",
        assigned("railway token"),
    ),
    Form(
        "supabase access token",
        "Supabase",
        seq("sbp_", hexes(40)),
        "https://supabase.com/docs/reference/api/introduction",
    ),
    Form(
        "supabase secret key",
        "Supabase",
        seq("sb_secret_", run(URL64, 22), "_", run(URL64, 8)),
        SUPABASE,
    ),
    Form("supabase service role", "Supabase", service_role, SUPABASE),
    Form("planetscale token", "PlanetScale", seq("pscale_tkn_", run(URL64, 43)), PLANETSCALE),
    Form("planetscale password", "PlanetScale", seq("pscale_pw_", run(URL64, 43)), PLANETSCALE),
    Form(
        "planetscale oauth token", "PlanetScale", seq("pscale_oauth_", run(URL64, 43)), PLANETSCALE
    ),
    Form(
        "databricks token",
        "Databricks",
        seq("dapi", hexes(32), either("", "-2", "-3")),
        "https://docs.databricks.com/en/dev-tools/auth/pat.html",
    ),
    Form(
        "snowflake password",
        "Snowflake",
        seq(run(ALNUM, 14), run(DIGITS, 2)),
        "https://docs.snowflake.com/en/user-guide/snowsql-config",
        assigned("snowflake password", "snowsql pwd"),
    ),
    Form(
        "confluent secret",
        "Confluent",
        random_b64(48),
        "https://docs.confluent.io/cloud/current/security/authenticate/workload-identities/",
        assigned("confluent api secret", "confluent cloud api secret"),
    ),
    Form(
        "alibaba key id",
        "Alibaba",
        seq("LTAI", run(ALNUM, 20)),
        "https://www.alibabacloud.com/help/en/ram/user-guide/create-an-accesskey-pair",
    ),
    Form(
        "alibaba secret",
        "Alibaba",
        run(ALNUM, 30),
        "https://www.alibabacloud.com/help/en/ram/user-guide/create-an-accesskey-pair",
        assigned("alibaba cloud access key secret", "alibaba secret key"),
    ),
    Form(
        "tencent secret id",
        "Tencent",
        seq("AKID", run(ALNUM, 32)),
        "https://www.tencentcloud.com/document/product/598/32675",
    ),
    Form("yandex api key", "Yandex", seq("AQVN", run(URL64, 36)), YANDEX),
    Form(
        "yandex storage key", "Yandex", seq("YC", run(URL64, 38)), YANDEX, assigned("yandex secret")
    ),
    Form("yandex iam token", "Yandex", seq("t1.", run(URL64, 40), ".", run(URL64, 86)), YANDEX),
    Form(
        "ibm cloud api key",
        "IBM",
        run(URL64, 44),
        "https://cloud.ibm.com/docs/account?topic=account-userapikey",
        assigned("ibmcloud api key", "ibm cloud api key"),
    ),
    Form(
        "openshift token",
        "Red Hat",
        seq("sha256~", run(URL64, 43)),
        "https://docs.openshift.com/container-platform/latest/authentication/",
    ),
    Form("kubernetes service account", "Kubernetes", kubernetes_token, KUBERNETES),
    Form("scalingo token", "Scalingo", seq("tk-us-", run(URL64, 48)), GITLEAKS),
    Form(
        "akamai client secret",
        "Akamai",
        random_b64(32),
        "https://techdocs.akamai.com/developer/docs/edgegrid",
        assigned("akamai client secret"),
    ),
    Form(
        "akamai access token",
        "Akamai",
        seq("akab-", run(LOWER_NUM, 16), "-", run(LOWER_NUM, 16)),
        "https://techdocs.akamai.com/developer/docs/edgegrid",
    ),
    Form(
        "1password secret key",
        "1Password",
        one_password,
        "https://support.1password.com/secret-key/",
    ),
    Form(
        "1password service account",
        "1Password",
        ops_token,
        "https://developer.1password.com/docs/service-accounts/security/",
    ),
)
