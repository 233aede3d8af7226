"""Keys of the three large clouds."""

import random

from tests.quality.token_forms.assignments import assigned, within
from tests.quality.token_forms.keys import pkcs8_rsa
from tests.quality.token_forms.shapes import (
    ALNUM,
    BASE32,
    BASE64,
    DIGITS,
    LOWER_NUM,
    SLOT,
    URL64,
    Form,
    Maker,
    armor,
    b64,
    either,
    hexes,
    number,
    plain_name,
    random_b64,
    run,
    seq,
    slug,
    uuid,
)

AWS_IDS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"
AWS_KEYS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html"
BEDROCK = "https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-how.html"
MICROSOFT = (
    "https://github.com/microsoft/security-utilities: "
    "GeneratedRegexPatterns/PreciselyClassifiedSecurityKeys.json"
)
STORAGE = (
    "https://learn.microsoft.com/en-us/azure/storage/common/storage-configure-connection-string"
)
SAS = "https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas"
GOOGLE_KEYS = "https://cloud.google.com/docs/authentication/api-keys"
GOOGLE_OAUTH = "https://developers.google.com/identity/protocols/oauth2"
GOOGLE_ACCOUNTS = "https://cloud.google.com/iam/docs/keys-create-delete"


def identifiable(length: int, mark: str, tail: str) -> Maker:
    """Azure's keys with a mark inside, that tells which service made them."""
    return seq(run(tail, length), mark, run("ABCD", 1), run(tail, 5))


def pair_end(mark: str) -> Maker:
    """Azure's keys of 64 bytes in base64: 88 characters with the mark of a service."""
    return seq(run(BASE64, 76), mark, run(BASE64, 5), run("AQgw", 1), "==")


def messaging(mark: str) -> Maker:
    """Azure's keys of 32 bytes in base64: 44 characters with the mark of a service."""
    return seq(run(BASE64, 33), mark, run("ABCDEFGHIJKLMNOP", 1), run(BASE64, 5), "=")


def annotated(mark: str) -> Maker:
    """Azure's 84-character keys, of letters and digits alone."""
    month = run("ABCDEFGHIJKL", 1)
    return seq(run(ALNUM, 52), "JQQJ99", run(ALNUM, 1), month, run(ALNUM, 12), mark, run(ALNUM, 4))


def client_secret(rng: random.Random) -> str:
    """Secret of an Entra ID app: three characters, 7 or 8, `Q~`, and 34 more."""
    free = ALNUM + "_-~."
    return run(ALNUM, 3)(rng) + rng.choice("78") + "Q~" + run(free, 33)(rng) + run(ALNUM, 1)(rng)


def service_account_key(rng: random.Random) -> str:
    """The private key of Google's service account file, its line ends escaped."""
    return armor("PRIVATE KEY", pkcs8_rsa(rng), newline="\\n") + "\\n"


def service_account_file(rng: random.Random) -> str:
    """Google's service account file around its private key."""
    project, who = slug(rng), plain_name(rng)
    return (
        f'{{\n  "type": "service_account",\n  "project_id": "{project}",\n'
        f'  "private_key_id": "{hexes(40)(rng)}",\n  "private_key": "{SLOT}",\n'
        f'  "client_email": "{who}@{project}.iam.gserviceaccount.com",\n'
        f'  "client_id": "{number(21)(rng)}"\n}}'
    )


def bedrock_long(rng: random.Random) -> str:
    """Bedrock's long-term key: base64 of a name with an account's number, and a secret."""
    account = run(DIGITS, 12)(rng)
    who = f"BedrockAPIKey-{run(LOWER_NUM, 4)(rng)}-at-{account}"
    return "ABSK" + b64(f"{who}:{run(BASE64, 60)(rng)}".encode())


def aws_file(rng: random.Random) -> str:
    """~/.aws/credentials."""
    return f"[default]\naws_access_key_id = {aws_id(rng)}\naws_secret_access_key = {SLOT}"


aws_id: Maker = seq("AKIA", run(BASE32, 16))
aws_secret: Maker = run(BASE64, 40)


STORAGE_STRING = (
    "DefaultEndpointsProtocol=https;AccountName=orchidbackup;AccountKey="
    + SLOT
    + ";EndpointSuffix=core.windows.net"
)
BUS_STRING = (
    "Endpoint=sb://harbor-events.servicebus.windows.net/;"
    "SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=" + SLOT
)
COSMOS_STRING = f"AccountEndpoint=https://willow.documents.azure.com:443/;AccountKey={SLOT};"
REDIS_STRING = f"willow.redis.cache.windows.net:6380,password={SLOT},ssl=True,abortConnect=False"
IOT_STRING = (
    f"HostName=canyon.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey={SLOT}"
)
CONFIG_STRING = (
    f"Endpoint=https://canyon.azconfig.io;Id=k9Zr-l0-s0:u4Jq2mBvYw7Nx1Lc8Ts3;Secret={SLOT}"
)
SAS_URL = (
    "https://orchidbackup.blob.core.windows.net/photos/2025.zip?sp=r&st=2026-01-04T09:00:00Z"
    f"&se=2027-01-04T17:00:00Z&spr=https&sv=2022-11-02&sr=b&sig={SLOT}"
)


def sas_signature(rng: random.Random) -> str:
    """The signature of a shared access URL: a SHA-256 in base64, percent-encoded."""
    return random_b64(32)(rng).replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


FORMS: tuple[Form, ...] = (
    Form("aws access key id", "AWS", aws_id, AWS_IDS),
    Form("aws temporary key id", "AWS", seq("ASIA", run(BASE32, 16)), AWS_IDS),
    Form("aws secret key", "AWS", aws_secret, AWS_KEYS, assigned("aws secret access key")),
    Form("aws credentials file", "AWS", aws_secret, AWS_KEYS, aws_file, "block"),
    Form(
        "aws session token",
        "AWS",
        seq("IQoJb3JpZ2luX2Vj", run(BASE64, 640)),
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_use-resources.html",
        assigned("aws session token"),
    ),
    Form("aws bedrock long-term key", "AWS", bedrock_long, BEDROCK),
    Form(
        "aws appsync key",
        "AWS",
        seq("da2-", run(LOWER_NUM, 26)),
        "https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html",
    ),
    Form(
        "aws marketplace token",
        "AWS",
        seq("amzn.mws.", uuid),
        "https://github.com/praetorian-inc/noseyparker: rules/aws.yml",
    ),
    Form(
        "azure storage key",
        "Microsoft",
        either(random_b64(64), pair_end("+ASt")),
        STORAGE,
        within(STORAGE_STRING),
        "line",
    ),
    Form(
        "azure cosmos db key",
        "Microsoft",
        pair_end("ACDb"),
        MICROSOFT,
        within(COSMOS_STRING),
        "line",
    ),
    Form("azure batch key", "Microsoft", pair_end("+ABa"), MICROSOFT, assigned("batch key")),
    Form(
        "azure service bus key",
        "Microsoft",
        messaging("+ASb"),
        MICROSOFT,
        within(BUS_STRING),
        "line",
    ),
    Form(
        "azure event hub key", "Microsoft", messaging("+AEh"), MICROSOFT, within(BUS_STRING), "line"
    ),
    Form(
        "azure iot hub key", "Microsoft", messaging("AIoT"), MICROSOFT, within(IOT_STRING), "line"
    ),
    Form(
        "azure redis key", "Microsoft", messaging("AzCa"), MICROSOFT, within(REDIS_STRING), "line"
    ),
    Form("azure registry password", "Microsoft", identifiable(42, "+ACR", BASE64), MICROSOFT),
    Form("azure search key", "Microsoft", identifiable(42, "AzSe", ALNUM), MICROSOFT),
    Form(
        "azure function key",
        "Microsoft",
        seq(run(URL64, 44), "AzFu", run(URL64, 5), run("AQgw", 1), "=="),
        MICROSOFT,
    ),
    Form("azure app client secret", "Microsoft", client_secret, MICROSOFT),
    Form("azure devops token", "Microsoft", annotated("AAAAAZDO"), MICROSOFT),
    Form(
        "azure devops old token",
        "Microsoft",
        run(BASE32.lower(), 52),
        MICROSOFT,
        assigned("azure devops pat", "ado pat token"),
    ),
    Form("azure openai key", "Microsoft", annotated("AAABACOG"), MICROSOFT),
    Form(
        "azure openai old key",
        "Microsoft",
        hexes(32),
        "https://learn.microsoft.com/en-us/azure/ai-services/openai/reference",
        assigned("azure openai api key", "azure openai key"),
    ),
    Form("azure shared access url", "Microsoft", sas_signature, SAS, within(SAS_URL), "line"),
    Form(
        "azure app configuration",
        "Microsoft",
        random_b64(32),
        "https://learn.microsoft.com/en-us/azure/azure-app-configuration/",
        within(CONFIG_STRING),
        "line",
    ),
    Form("google api key", "Google", seq("AIza", run(URL64, 35)), GOOGLE_KEYS),
    Form("google oauth client secret", "Google", seq("GOCSPX-", run(URL64, 28)), GOOGLE_OAUTH),
    Form("google oauth access token", "Google", seq("ya29.", run(URL64, 160, 200)), GOOGLE_OAUTH),
    Form("google oauth refresh token", "Google", seq("1//0", run(URL64, 98)), GOOGLE_OAUTH),
    Form(
        "google service account",
        "Google",
        service_account_key,
        GOOGLE_ACCOUNTS,
        service_account_file,
        "block",
    ),
    Form(
        "google storage hmac secret",
        "Google",
        random_b64(30),
        "https://cloud.google.com/storage/docs/authentication/hmackeys",
        assigned("gcs secret access key", "gcs hmac secret"),
    ),
    Form(
        "firebase messaging key",
        "Google",
        seq("AAAA", run(URL64, 7), ":APA91b", run(URL64, 134)),
        "https://firebase.google.com/docs/cloud-messaging/auth-server",
    ),
)
