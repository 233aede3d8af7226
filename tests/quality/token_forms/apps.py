"""Tokens of messengers, mail, and office services."""

import random

from tests.quality.token_forms.assignments import assigned, within
from tests.quality.token_forms.shapes import (
    ALNUM,
    HEX_UPPER,
    LETTERS,
    LOWER_NUM,
    SLOT,
    UPPER_NUM,
    URL64,
    Form,
    Maker,
    b64,
    b64url,
    crc62,
    either,
    hexes,
    number,
    plain_name,
    random_b64,
    run,
    seq,
    unix_time,
    uuid,
)

SLACK = "https://docs.slack.dev/authentication/tokens/"
SLACK_HOOK = "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/"
SLACK_CONFIG = (
    "https://github.com/gitleaks/gitleaks: config/gitleaks.toml, slack-config-access-token"
)
DISCORD = "https://docs.discord.com/developers/reference#authentication"
DISCORD_HOOK = "https://docs.discord.com/developers/resources/webhook"
MATRIX = "https://github.com/element-hq/synapse: synapse/handlers/auth.py, generate_access_token"
TWILIO = "https://www.twilio.com/docs/iam/api-keys"
SENDGRID = "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys"
MAILGUN = "https://documentation.mailgun.com/docs/mailgun/api-reference/intro"
MAILCHIMP = "https://mailchimp.com/help/about-api-keys/"
BREVO = "https://developers.brevo.com/docs/getting-started"
TEAMS = "https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/"
NOTION = "https://developers.notion.com/docs/authorization; changelog of 25 September 2024"
LINEAR = "https://linear.app/developers/graphql"
HUBSPOT = "https://developers.hubspot.com/docs/guides/apps/private-apps/overview"
FACEBOOK = "https://developers.facebook.com/docs/facebook-login/guides/access-tokens/"
TWITTER = "https://docs.x.com/resources/fundamentals/authentication/"
ASANA = "https://developers.asana.com/docs/personal-access-token"
ATLASSIAN = "https://github.com/praetorian-inc/noseyparker: rules/atlassian.yml"
DROPBOX = "https://developers.dropbox.com/oauth-guide"
TRUFFLEHOG = "https://github.com/trufflesecurity/trufflehog: pkg/detectors/"


def discord_bot(rng: random.Random) -> str:
    """Discord's bot token: the bot's id in base64, a time, and a signature."""
    snowflake = str((unix_time(rng) * 1000 - 1_420_070_400_000) << 22 | rng.getrandbits(22))
    when = (unix_time(rng) - 1_293_840_000).to_bytes(4, "big")
    return ".".join((b64url(snowflake.encode()), b64url(when), run(URL64, 38)(rng)))


def matrix_token(rng: random.Random) -> str:
    """Synapse's access token: a user's name in base64, 20 letters, and a CRC-32."""
    name = b64(plain_name(rng).encode()).rstrip("=")
    body = f"syt_{name}_{run(LETTERS, 20)(rng)}"
    return f"{body}_{crc62(body)}"


def intercom_token(rng: random.Random) -> str:
    """Intercom's access token: base64 of a kind, an id, and two numbers."""
    return b64(f"tok:{uuid(rng).replace('-', '_')}:1:0".encode())


def slack(kind: str, *sizes: int) -> Maker:
    """Slack's token of a kind, with so many numbers before its secret."""
    numbers = [part for size in sizes for part in (number(size), "-")]
    return seq(f"{kind}-", *numbers)


TEAM_HOOK = f"https://willow.webhook.office.com/webhookb2/{SLOT}"  # the path is the secret
SMTP = f"SMTP_HOST=smtp-relay.brevo.com\nSMTP_USER=mail@example.org\nSMTP_PASS={SLOT}"

twilio_sid: Maker = seq("AC", hexes(32))


def twilio_block(rng: random.Random) -> str:
    """Twilio's account id and the token that goes with it."""
    return f"TWILIO_ACCOUNT_SID={twilio_sid(rng)}\nTWILIO_AUTH_TOKEN={SLOT}"


FORMS: tuple[Form, ...] = (
    Form("slack bot token", "Slack", seq(slack("xoxb", 12, 13), run(ALNUM, 24)), SLACK),
    Form("slack user token", "Slack", seq(slack("xoxp", 12, 12, 13), hexes(32)), SLACK),
    Form(
        "slack legacy workspace token", "Slack", seq(slack("xoxa-2", 12, 12, 12), hexes(32)), SLACK
    ),
    Form("slack refresh token", "Slack", seq("xoxr-", run(ALNUM, 40)), SLACK),
    Form("slack legacy bot token", "Slack", seq(slack("xoxb", 12), run(ALNUM, 24)), SLACK),
    Form("slack legacy session token", "Slack", seq(slack("xoxs", 10, 10, 11), hexes(10)), SLACK),
    Form("slack browser token", "Slack", seq(slack("xoxc", 12, 12, 12), hexes(64)), SLACK),
    Form(
        "slack app token",
        "Slack",
        seq("xapp-1-A", run(UPPER_NUM, 10), "-", number(13), "-", hexes(64)),
        SLACK,
    ),
    Form(
        "slack config token", "Slack", seq("xoxe.xoxp-1-", run(UPPER_NUM, 163, 166)), SLACK_CONFIG
    ),
    Form("slack config refresh token", "Slack", seq("xoxe-1-", run(UPPER_NUM, 146)), SLACK_CONFIG),
    Form(
        "slack webhook",
        "Slack",
        seq(
            "https://hooks.slack.com/services/T",
            run(UPPER_NUM, 10),
            "/B",
            run(UPPER_NUM, 10),
            "/",
            run(ALNUM, 24),
        ),
        SLACK_HOOK,
    ),
    Form(
        "slack workflow webhook",
        "Slack",
        seq(
            "https://hooks.slack.com/triggers/T",
            run(UPPER_NUM, 10),
            "/",
            number(13),
            "/",
            hexes(32),
        ),
        SLACK_HOOK,
    ),
    Form("discord bot token", "Discord", discord_bot, DISCORD),
    Form(
        "discord webhook",
        "Discord",
        seq("https://discord.com/api/webhooks/", number(19), "/", run(URL64, 68)),
        DISCORD_HOOK,
    ),
    Form(
        "discord client secret",
        "Discord",
        run(URL64, 32),
        "https://docs.discord.com/developers/topics/oauth2",
        assigned("discord client secret"),
    ),
    Form(
        "telegram bot token",
        "Telegram",
        seq(number(10), ":AA", run(URL64, 33)),
        "https://core.telegram.org/bots/features#botfather",
    ),
    Form("matrix access token", "Matrix", matrix_token, MATRIX),
    Form(
        "mattermost token",
        "Mattermost",
        run(LOWER_NUM, 26),
        "https://developers.mattermost.com/integrate/reference/personal-access-token/",
        assigned("mattermost token", "mattermost access token"),
    ),
    Form(
        "teams webhook",
        "Microsoft",
        seq(uuid, "@", uuid, "/IncomingWebhook/", hexes(32), "/", uuid),
        TEAMS,
        within(TEAM_HOOK),
        "line",
    ),
    Form(
        "zapier hook",
        "Zapier",
        seq("https://hooks.zapier.com/hooks/catch/", number(8), "/", run(LOWER_NUM, 7), "/"),
        TRUFFLEHOG + "zapierwebhook",
    ),
    Form("twilio api key", "Twilio", seq("SK", hexes(32)), TWILIO),
    Form("twilio auth token", "Twilio", hexes(32), TWILIO, twilio_block, "block"),
    Form("sendgrid key", "SendGrid", seq("SG.", run(URL64, 22), ".", run(URL64, 43)), SENDGRID),
    Form("mailgun old key", "Mailgun", seq("key-", hexes(32)), MAILGUN),
    Form("mailgun key", "Mailgun", seq(hexes(32), "-", hexes(8), "-", hexes(8)), MAILGUN),
    Form(
        "mailchimp key",
        "Mailchimp",
        seq(hexes(32), "-us", either(*(str(n) for n in range(1, 22)))),
        MAILCHIMP,
    ),
    Form(
        "mandrill key",
        "Mailchimp",
        seq("md-", run(URL64, 22)),
        "https://mailchimp.com/developer/transactional/guides/quick-start/",
        assigned("mandrill api key"),
    ),
    Form("brevo key", "Brevo", seq("xkeysib-", hexes(64), "-", run(ALNUM, 16)), BREVO),
    Form(
        "brevo smtp key",
        "Brevo",
        seq("xsmtpsib-", hexes(64), "-", run(ALNUM, 16)),
        BREVO,
        within(SMTP),
        "block",
    ),
    Form(
        "postmark token",
        "Postmark",
        uuid,
        "https://postmarkapp.com/developer/api/overview#authentication",
        within(f"X-Postmark-Server-Token: {SLOT}", f"POSTMARK_SERVER_TOKEN={SLOT}"),
        "line",
    ),
    Form(
        "resend key",
        "Resend",
        seq("re_", run(ALNUM, 8), "_", run(ALNUM, 24)),
        "https://resend.com/docs/api-reference/introduction",
    ),
    Form("notion old secret", "Notion", seq("secret_", run(ALNUM, 43)), NOTION),
    Form("notion token", "Notion", seq("ntn_", number(11), run(ALNUM, 35)), NOTION),
    Form("linear key", "Linear", seq("lin_api_", run(ALNUM, 40)), LINEAR),
    Form("linear oauth token", "Linear", seq("lin_oauth_", hexes(64)), LINEAR),
    Form(
        "figma token",
        "Figma",
        seq("figd_", run(URL64, 40)),
        "https://www.figma.com/developers/api#access-tokens",
    ),
    Form("asana token", "Asana", seq("1/", number(16), ":", hexes(32)), ASANA),
    Form("asana new token", "Asana", seq("2/", number(16), "/", number(16), ":", hexes(32)), ASANA),
    Form(
        "trello token",
        "Atlassian",
        seq("ATTA", hexes(64), run(HEX_UPPER, 8)),
        "https://developer.atlassian.com/cloud/trello/guides/rest-api/authorization/",
    ),
    Form(
        "atlassian api token",
        "Atlassian",
        seq("ATATT3", "xFfGF0", run(URL64, 171), "=", run(HEX_UPPER, 8)),
        ATLASSIAN,
    ),
    Form(
        "jira old token",
        "Atlassian",
        run(ALNUM, 24),
        "https://github.com/trufflesecurity/trufflehog: pkg/detectors/jiratoken/v1",
        assigned("jira api token", "atlassian api token", "confluence api token"),
    ),
    Form(
        "airtable token",
        "Airtable",
        seq("pat", run(ALNUM, 14), ".", hexes(64)),
        "https://airtable.com/developers/web/guides/personal-access-tokens",
    ),
    Form(
        "hubspot private app token", "HubSpot", seq(either("pat-na1-", "pat-eu1-"), uuid), HUBSPOT
    ),
    Form(
        "intercom token",
        "Intercom",
        intercom_token,
        "https://developers.intercom.com/docs/build-an-integration/learn-more/authentication",
        assigned("intercom access token"),
    ),
    Form(
        "clickup token",
        "ClickUp",
        seq("pk_", number(8), "_", run(UPPER_NUM, 32)),
        "https://developer.clickup.com/docs/authentication",
    ),
    Form(
        "contentful token",
        "Contentful",
        seq("CFPAT-", run(URL64, 43)),
        "https://www.contentful.com/help/token-management/personal-access-tokens/",
    ),
    Form("dropbox token", "Dropbox", seq("sl.", either("", "u."), run(URL64, 136, 150)), DROPBOX),
    Form(
        "box developer token",
        "Box",
        run(ALNUM, 32),
        "https://developer.box.com/guides/authentication/tokens/developer-tokens/",
        assigned("box developer token", "box client secret"),
    ),
    Form(
        "frame.io token",
        "Frame.io",
        seq("fio-u-", run(URL64, 64)),
        "https://developer.frame.io/docs/getting-started/authentication",
    ),
    Form(
        "facebook user token", "Meta", seq("EAA", run("BCDEFGHIJK", 1), run(ALNUM, 180)), FACEBOOK
    ),
    Form(
        "facebook app token",
        "Meta",
        seq(number(16), "|", run(URL64, 27)),
        FACEBOOK,
        within(f"access_token={SLOT}", f'"access_token": "{SLOT}"'),
        "line",
    ),
    Form(
        "facebook app secret",
        "Meta",
        hexes(32),
        FACEBOOK,
        assigned("facebook app secret", "fb app secret"),
    ),
    Form(
        "twitter bearer token",
        "X",
        seq("A" * 21, run(ALNUM, 22), "%2B", run(ALNUM, 20), "%3D", run(ALNUM, 40)),
        TWITTER,
    ),
    Form(
        "twitter access secret",
        "X",
        run(ALNUM, 45),
        TWITTER,
        assigned("twitter access token secret", "x access token secret"),
    ),
    Form(
        "linkedin client secret",
        "LinkedIn",
        run(ALNUM, 16),
        "https://learn.microsoft.com/en-us/linkedin/shared/authentication/client-credentials-flow",
        assigned("linkedin client secret"),
    ),
    Form(
        "linkedin new client secret",
        "LinkedIn",
        seq("WPL_AP1.", run(ALNUM, 16), ".", random_b64(4)),
        "https://learn.microsoft.com/en-us/linkedin/shared/authentication/client-credentials-flow",
    ),
    Form(
        "spotify client secret",
        "Spotify",
        hexes(32),
        "https://developer.spotify.com/documentation/web-api/concepts/apps",
        assigned("spotify client secret"),
    ),
    Form(
        "salesforce session",
        "Salesforce",
        seq("00D", run(ALNUM, 12), "!", run(ALNUM + "._", 95), run(ALNUM, 1)),
        "https://help.salesforce.com/s/articleView?id=sf.remoteaccess_access_tokens.htm",
    ),
    Form(
        "segment public api token",
        "Segment",
        seq("sgp_", run(ALNUM, 64)),
        "https://segment.com/docs/api/public-api/",
    ),
    Form(
        "adafruit io key",
        "Adafruit",
        seq("aio_", run(ALNUM, 28)),
        "https://io.adafruit.com/api/docs/#authentication",
    ),
    Form(
        "adobe client secret",
        "Adobe",
        seq("p8e-", run(URL64, 32)),
        "https://developer.adobe.com/developer-console/docs/guides/authentication/",
    ),
    Form(
        "zendesk token",
        "Zendesk",
        run(ALNUM, 40),
        "https://developer.zendesk.com/api-reference/introduction/security-and-auth/",
        assigned("zendesk api token", "zendesk secret key"),
    ),
    Form(
        "cloudinary url",
        "Cloudinary",
        run(URL64, 27),
        "https://cloudinary.com/documentation/how_to_integrate_cloudinary",
        within(f"CLOUDINARY_URL=cloudinary://384927561029384:{SLOT}@willow"),
        "line",
    ),
    Form(
        "coinbase api secret",
        "Coinbase",
        run(ALNUM, 32),
        "https://docs.cdp.coinbase.com/",
        assigned("coinbase api secret"),
    ),
)
