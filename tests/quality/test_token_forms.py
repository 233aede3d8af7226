import base64
import json
import random
import re
from hashlib import sha256
from pathlib import Path

import pytest

from tests.quality import token_forms
from tests.quality.token_forms import (
    ASSIGNMENTS,
    CARRIERS,
    FORMS,
    NOT_SECRETS,
    assignments,
    cases,
    plain_texts,
)

BY_NAME = {form.name: form for form in FORMS}

# Facts as published: by vendors, GitHub, gitleaks, Nosey Parker, Microsoft's security utilities.
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
PUBLISHED = {
    "github personal access token": r"ghp_[a-zA-Z0-9]{36}",
    "github oauth access token": r"gho_[a-zA-Z0-9]{36}",
    "github user-to-server token": r"ghu_[a-zA-Z0-9]{36}",
    "github server-to-server token": r"ghs_[a-zA-Z0-9]{36}",
    "github refresh token": r"ghr_[a-zA-Z0-9]{76}",
    "github fine-grained token": r"github_pat_[a-zA-Z0-9]{22}_[a-zA-Z0-9]{59}",
    "gitlab personal access token": r"glpat-[\w-]{20}",
    "gitlab routable access token": r"glpat-[0-9a-zA-Z_-]{27,300}\.01\.[0-9a-z]{9}",
    "gitlab routable runner token": r"glrt-t\d_[0-9a-zA-Z_-]{27,300}\.01\.[0-9a-z]{9}",
    "gitlab job token": r"glcbt-[0-9a-zA-Z]{1,5}_[0-9a-zA-Z_-]{20}",
    "gitlab trigger token": r"glptt-[0-9a-f]{40}",
    "gitlab incoming mail token": r"glimt-[0-9a-zA-Z_\-]{25}",
    "gitlab agent token": r"glagent-[0-9a-zA-Z_\-]{50}",
    "gitlab oauth app secret": r"gloas-[0-9a-zA-Z_\-]{64}",
    "gitlab runner registration": r"GR1348941[\w-]{20}",
    "bitbucket app password": r"ATBB[a-zA-Z0-9]{32}",
    "npm access token": r"npm_[A-Za-z0-9]{36}",
    "pypi upload token": r"pypi-AgEIcHlwaS5vcmcCJ[\w-]{50,1000}",
    "test.pypi upload token": r"pypi-AgENdGVzdC5weXBpLm9yZ[\w-]{50,1000}",
    "rubygems api key": r"rubygems_[a-f0-9]{48}",
    "crates.io token": r"cio[a-zA-Z0-9]{32}",
    "nuget api key": r"oy2[a-z2-7]{43}",
    "docker personal token": r"dckr_pat_[a-zA-Z0-9_-]{27}",
    "docker organization token": r"dckr_oat_[a-zA-Z0-9_-]{32}",
    "artifactory api key": r"AKCp[A-Za-z0-9]{69}",
    "artifactory reference token": r"cmVmd[A-Za-z0-9]{59}",
    "teamcity access token": r"eyJ0eXAiOiAiVENWMiJ9\.[A-Za-z0-9_-]{36}\.[A-Za-z0-9_-]{48}",
    "octopus deploy api key": r"API-[A-Z0-9]{26}",
    "postman api key": r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
    "aws access key id": r"AKIA[A-Z2-7]{16}",
    "aws secret key": r"[A-Za-z0-9/+]{40}",
    "aws bedrock long-term key": r"ABSK[A-Za-z0-9+/]{109,269}={0,2}",
    "azure storage key": r"[A-Za-z0-9/+]{86}==",
    "azure cosmos db key": r"[A-Za-z0-9/+]{76}ACDb[A-Za-z0-9+/]{5}[AQgw]==",
    "azure service bus key": r"[A-Za-z0-9/+]{33}\+ASb[A-P][A-Za-z0-9+/]{5}=",
    "azure search key": r"[A-Za-z0-9]{42}AzSe[A-D][A-Za-z0-9]{5}",
    "azure registry password": r"[A-Za-z0-9+/]{42}\+ACR[A-D][A-Za-z0-9+/]{5}",
    "azure function key": r"[\w-]{44}AzFu[\w-]{5}[AQgw]==",
    "azure app client secret": r"[\w.~-]{3}[78]Q~[\w.~-]{31,34}",
    "azure devops token": r"[^\W_]{52}JQQJ99[^\W_][A-L][^\W_]{12}AAAAAZDO[^\W_]{4}",
    "google api key": r"AIza[0-9A-Za-z_-]{35}",
    "google oauth client secret": r"GOCSPX-[a-zA-Z0-9_-]{28}",
    "cloudflare user token": r"cfut_[a-zA-Z0-9]{40}[a-f0-9]{8}",
    "cloudflare origin ca key": r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}",
    "digitalocean token": r"dop_v1_[a-f0-9]{64}",
    "heroku token": r"HRKU-AA[0-9a-zA-Z_-]{58}",
    "fly old token": r"fo1_[\w-]{43}",
    "netlify token": r"nfp_[a-zA-Z0-9_]{36}",
    "supabase access token": r"sbp_[a-z0-9]{40}",
    "planetscale token": r"pscale_tkn_[\w=.-]{32,64}",
    "databricks token": r"dapi[a-f0-9]{32}(-\d)?",
    "1password secret key": r"A3-[A-Z0-9]{6}-[A-Z0-9]{6}(-[A-Z0-9]{5}){4}",
    "1password service account": r"ops_eyJ[a-zA-Z0-9+/]{250,}={0,3}",
    "vault service token": r"hvs\.[\w-]{90,120}",
    "vault batch token": r"hvb\.[\w-]{138,300}",
    "vault old service token": r"s\.[A-Za-z0-9]{24}",
    "terraform cloud token": r"[a-zA-Z0-9]{14}\.atlasv1\.[a-zA-Z0-9\-_=]{60,70}",
    "pulumi token": r"pul-[a-f0-9]{40}",
    "doppler personal token": r"dp\.pt\.[a-zA-Z0-9]{43}",
    "doppler service token of a config": r"dp\.st\.[a-z0-9\-_]{2,35}\.[a-zA-Z0-9]{43}",
    "tailscale auth key": r"tskey-auth-[0-9A-Za-z_]+-[0-9A-Za-z_]+",
    "wireguard private key": r"[A-Za-z0-9+/]{43}=",
    "age identity": r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    "dynatrace token": r"dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}",
    "new relic user key": r"NRAK-[A-Z0-9]{27}",
    "new relic license key": r"[a-z0-9]{6}[a-f0-9]{30}NRAL",
    "grafana service account": r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}",
    "grafana cloud token": r"glc_eyJ[A-Za-z0-9+/]{60,160}={0,2}",
    "grafana old api key": r"eyJrIjoi[A-Za-z0-9]{70,400}={0,3}",
    "sentry organization token": r"sntrys_eyJpYXQiO[A-Za-z0-9+/]{60,400}={0,2}_[a-zA-Z0-9+/]{43}",
    "sentry user token": r"sntryu_[a-f0-9]{64}",
    "launchdarkly sdk key": rf"sdk-{UUID}",
    "okta api token": r"00[\w-]{39}\w",
    "mapbox secret token": r"sk\.eyJ[A-Za-z0-9+/]{50,}\.[\w-]{22}",
    "openai old key": r"sk-[a-zA-Z0-9]{20}T3BlbkFJ[a-zA-Z0-9]{20}",
    "openai project key": r"sk-proj-([\w-]{58}T3BlbkFJ[\w-]{58}|[\w-]{74}T3BlbkFJ[\w-]{74})",
    "anthropic api key": r"sk-ant-api03-[a-zA-Z0-9_\-]{93}AA",
    "anthropic admin key": r"sk-ant-admin01-[a-zA-Z0-9_\-]{93}AA",
    "groq key": r"gsk_[a-zA-Z0-9]{52}",
    "replicate token": r"r8_[0-9A-Za-z-_]{37}",
    "perplexity key": r"pplx-[a-zA-Z0-9]{48}",
    "xai key": r"xai-[0-9a-zA-Z_]{80}",
    "hugging face token": r"hf_[a-zA-Z]{34}",
    "openrouter key": r"sk-or-v1-[0-9a-f]{64}",
    "langsmith personal token": r"lsv2_pt_[a-f0-9]{32}_[a-f0-9]{10}",
    "slack bot token": r"xoxb-[0-9]{10,13}-[0-9]{10,13}[a-zA-Z0-9-]*",
    "slack user token": r"xoxp(?:-[0-9]{10,13}){3}-[a-zA-Z0-9-]{28,34}",
    "slack app token": r"xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+",
    "slack config token": r"xoxe.xox[bp]-\d-[A-Z0-9]{163,166}",
    "slack webhook": r"https://hooks\.slack\.com/services/[A-Za-z0-9+/]{43,56}",
    "discord bot token": r"[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}",
    "telegram bot token": r"\d{8,10}:AA[a-zA-Z0-9_-]{33}",
    "twilio api key": r"SK[0-9a-f]{32}",
    "sendgrid key": r"SG\.[\w-]{22}\.[\w-]{43}",
    "mailchimp key": r"[0-9a-f]{32}-us[0-9]{1,2}",
    "brevo key": r"xkeysib-[a-f0-9]{64}-[a-zA-Z0-9]{16}",
    "stripe secret key": r"sk_live_[a-zA-Z0-9]{20,247}",
    "square access token": r"EAAA[\w-]{60}",
    "plaid access token": rf"access-production-{UUID}",
    "shopify access token": r"shpat_[a-fA-F0-9]{32}",
    "notion token": r"ntn_[0-9]{11}[A-Za-z0-9]{35}",
    "linear key": r"lin_api_[0-9A-Za-z]{40}",
    "figma token": r"figd_[a-z0-9A-Z_-]{40}",
    "asana token": r"[0-9]+/[0-9]{16}:[A-Za-z0-9]{32}",
    "atlassian api token": r"ATATT3xFfGF0[a-zA-Z0-9_-]{20,200}=[0-9A-F]{8}",
    "airtable token": r"pat[a-zA-Z0-9]{14}\.[a-f0-9]{64}",
    "hubspot private app token": rf"pat-(?:eu|na)1-{UUID}",
    "intercom token": r"[A-Za-z0-9+/]{59}=",
    "contentful token": r"CFPAT-[a-zA-Z0-9_-]{43}",
    "dropbox token": r"sl\.(u\.)?[A-Za-z0-9_-]{130,152}",
    "salesforce session": r"00[a-zA-Z0-9]{13}![a-zA-Z0-9._]{96}",
    "bitcoin private key": r"[KL][1-9A-HJ-NP-Za-km-z]{51}",
    "bitcoin extended key": r"xprv[1-9A-HJ-NP-Za-km-z]{107}",
}


def made(name: str, count: int = 8) -> list[str]:
    return [BY_NAME[name].make(random.Random(seed)) for seed in range(count)]


@pytest.mark.parametrize("name", PUBLISHED)
def test_tokens_have_the_published_form(name: str) -> None:
    for token in made(name):
        assert re.fullmatch(PUBLISHED[name], token), token


def test_the_table_is_broad_and_documented() -> None:
    assert len(FORMS) >= 120
    assert len(BY_NAME) == len(FORMS)
    assert len(CARRIERS) >= 30
    assert len({style.name for style in ASSIGNMENTS}) == len(ASSIGNMENTS) >= 12
    for form in FORMS:
        assert form.documented.startswith("https://"), form.name
        assert "utm_" not in form.documented, form.name
        assert "\n" not in form.make(random.Random(3)) or form.holds == "block", form.name


def crc32_bit_by_bit(data: bytes) -> int:
    """CRC-32 of IEEE 802.3, computed apart from zlib."""
    register = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            low = (register ^ byte >> bit) & 1
            register = register >> 1 ^ (0xEDB88320 if low else 0)
    return register ^ 0xFFFFFFFF


def value62(text: str) -> int:
    value = 0
    for char in text:
        order = ord(char) - (48 if char <= "9" else 55 if char <= "Z" else 61)
        value = value * 62 + order
    return value


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name.startswith(("github", "npm"))])
def test_tokens_of_github_and_npm_end_in_their_checksum(name: str) -> None:
    for token in made(name):
        body = token.rsplit("_", 1)[1]
        assert value62(body[-6:]) == crc32_bit_by_bit(body[:-6].encode()), token


def test_the_checksum_is_that_of_a_published_dead_token() -> None:
    body = "zQWBuTSOoRi4A9spHcVY" + "5ncnsDkxkJ"
    assert token_forms.shapes.crc62(body) == "0mL" + "q17"


def test_routable_tokens_of_gitlab_say_their_length_and_checksum() -> None:
    for token in made("gitlab routable access token"):
        head, checksum = token[:-7], token[-7:]
        assert int(checksum, 36) == crc32_bit_by_bit(head.encode())
        payload = head.removeprefix("glpat-").split(".")[0]
        assert int(head[-2:], 36) == len(payload)
        data = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        assert data[16 : 16 + data[-1]].startswith(b"c:1\ng:")


def test_matrix_tokens_end_in_their_checksum() -> None:
    for token in made("matrix access token"):
        body, checksum = token.rsplit("_", 1)
        assert value62(checksum) == crc32_bit_by_bit(body.encode())


def test_age_identities_are_valid_bech32() -> None:
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    for token in made("age identity"):
        prefix, _, data = token.lower().rpartition("1")
        values = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
        values += [alphabet.index(char) for char in data]
        register = 1
        for value in values:
            top = register >> 25
            register = (register & 0x1FFFFFF) << 5 ^ value
            for bit, term in enumerate((996825010, 642813549, 513874426, 1027748829, 705979059)):
                register ^= term if top >> bit & 1 else 0
        assert register == 1


@pytest.mark.parametrize("name", ["bitcoin private key", "bitcoin extended key"])
def test_bitcoin_keys_are_valid_base58check(name: str) -> None:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    for token in made(name):
        value = 0
        for char in token:
            value = value * 58 + alphabet.index(char)
        data = value.to_bytes((value.bit_length() + 7) // 8, "big")
        assert sha256(sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


@pytest.mark.parametrize(
    "name", ["json web token", "supabase service role", "kubernetes service account"]
)
def test_web_tokens_are_base64url_of_json(name: str) -> None:
    for token in made(name):
        head, body, signature = token.split(".")
        for part in (head, body):
            assert isinstance(json.loads(base64.urlsafe_b64decode(part + "==")), dict)
        assert len(base64.urlsafe_b64decode(signature + "==")) in (32, 64, 256)


def test_discord_tokens_begin_with_an_id() -> None:
    for token in made("discord bot token"):
        first = token.split(".")[0]
        assert base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode().isdecimal()


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form.vendor == "PEM"], ids=lambda f: f.name
)
def test_private_keys_hold_whole_der(form: token_forms.Form) -> None:
    lines = form.make(random.Random(1)).split("\n")
    assert lines[0].startswith("-----BEGIN ")
    assert lines[-1] == lines[0].replace("BEGIN", "END")
    assert all(len(line) <= 64 for line in lines)
    if "Proc-Type" in lines[1]:
        return
    data = base64.b64decode("".join(lines[1:-1]))
    size, at = data[1], 2
    if size > 128:
        at, size = 2 + size - 128, int.from_bytes(data[2 : 2 + size - 128], "big")
    assert data[0] == 0x30
    assert len(data) == at + size


def test_cases_point_at_the_secret_and_repeat_for_a_seed() -> None:
    found = list(cases(7, 2))
    assert found == list(cases(7, 2))
    assert found != list(cases(8, 2))
    assert len(found) == 2 * len(FORMS)
    for case in found:
        secret = case.text[case.start : case.stop]
        assert case.text.count(secret) == 1, case.name
        assert token_forms.SLOT not in case.text, case.name


def test_every_carrier_has_one_slot_and_is_used() -> None:
    for carrier in CARRIERS:
        assert carrier.template.count(token_forms.SLOT) == 1, carrier.name
    names = {carrier.name for form in FORMS for carrier in token_forms.carriers_for(form)}
    assert names == {carrier.name for carrier in CARRIERS}


def test_assignments_point_at_the_value() -> None:
    found = list(assignments(5, 1))
    assert {one.value for one in found} == {"uuid", "hex32", "hex40", "short"}
    for one in found:
        value = one.text[one.start : one.stop]
        assert one.text.count(value) == 1
        assert "@" not in one.text
        assert one.value != "uuid" or re.fullmatch(UUID, value)
        assert one.value != "short" or re.fullmatch(r"[A-Za-z0-9]{12,20}", value)


def test_plain_texts_repeat_for_a_seed() -> None:
    found = list(plain_texts(5, 2))
    assert found == list(plain_texts(5, 2))
    assert len(found) == 2 * len(NOT_SECRETS)
    assert all(text for _, text in found)


def test_isbns_have_a_valid_check_digit() -> None:
    for text in (text for name, text in plain_texts(1, 9) if name == "isbn"):
        digits = [int(char) for char in text if char.isdecimal()]
        assert sum(digit * (1, 3)[index % 2] for index, digit in enumerate(digits)) % 10 == 0


def test_no_source_holds_a_whole_token() -> None:
    marked = [form for form in PUBLISHED.values() if re.match(r"[A-Za-z]\w", form)]
    assert len(marked) > 70
    folder = Path(token_forms.__file__).parent
    for path in (*folder.glob("*.py"), Path(__file__)):
        text = path.read_text(encoding="utf-8")
        for form in marked:
            assert not re.search(form, text), (path.name, form)
