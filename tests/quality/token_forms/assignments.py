"""The ways people write `name = value`, and values that are secret by their name alone."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.quality.token_forms.shapes import (
    ALNUM,
    SLOT,
    Maker,
    Wrap,
    either,
    hexes,
    run,
    uuid,
)


@dataclass(frozen=True)
class Style:
    """A way to write an assignment.

    In the template `@S` stands for the name as NAME_OF_IT, `@s` name_of_it, `@c` nameOfIt,
    `@P` NameOfIt, `@k` name-of-it, `@K` Name-Of-It, `@d` name.of.it, and the slot for the value.
    """

    name: str
    template: str

    def fill(self, words: str) -> str:
        """The template with the name in it."""
        parts = words.lower().split()
        caps = [part.capitalize() for part in parts]
        written = {
            "@S": "_".join(parts).upper(),
            "@s": "_".join(parts),
            "@c": parts[0] + "".join(caps[1:]),
            "@P": "".join(caps),
            "@k": "-".join(parts),
            "@K": "-".join(caps),
            "@d": ".".join(parts),
        }
        text = self.template
        for mark, name in written.items():
            text = text.replace(mark, name)
        return text


ASSIGNMENTS: tuple[Style, ...] = (
    Style("shell export", f"export @S={SLOT}"),
    Style("shell export, quoted", f'export @S="{SLOT}"'),
    Style("shell, for one command", f"@S={SLOT} ./deploy.sh --env production"),
    Style("fish", f"set -gx @S {SLOT}"),
    Style("PowerShell", f'$env:@S = "{SLOT}"'),
    Style("cmd.exe", f"set @S={SLOT}"),
    Style(".env", f"@S={SLOT}"),
    Style(".env, quoted", f'@S="{SLOT}"'),
    Style(".env, single quotes", f"@S='{SLOT}'"),
    Style("JSON", f'{{"@c": "{SLOT}", "timeout": 30}}'),
    Style("JSON, snake case", f'"@s": "{SLOT}",'),
    Style("JSON in a string", f'"{{\\"@s\\":\\"{SLOT}\\"}}"'),
    Style("YAML", f"@s: {SLOT}"),
    Style("YAML, quoted", f'  @c: "{SLOT}"'),
    Style("YAML list of variables", f'- {{name: @S, value: "{SLOT}"}}'),
    Style("TOML", f'@s = "{SLOT}"'),
    Style("INI", f"@s = {SLOT}"),
    Style("Python constant", f'@S = "{SLOT}"'),
    Style("Python argument", f"client = Client(@s='{SLOT}', retries=3)"),
    Style("Python dictionary", f'settings["@s"] = "{SLOT}"'),
    Style("Python os.environ", f'os.environ["@S"] = "{SLOT}"'),
    Style("JS const", f"const @c = '{SLOT}';"),
    Style("JS object", f'new Client({{ @c: "{SLOT}", region: "eu" }})'),
    Style("JS template literal", f"let @c = `{SLOT}`;"),
    Style("TypeScript", f'private readonly @c: string = "{SLOT}";'),
    Style("PHP define", f"define('@S', '{SLOT}');"),
    Style("PHP array", f"'@s' => '{SLOT}',"),
    Style("PHP variable", f'$@c = "{SLOT}";'),
    Style("Java properties", f"@d={SLOT}"),
    Style("Java", f'private static final String @S = "{SLOT}";'),
    Style("Kotlin", f'val @c = "{SLOT}"'),
    Style("C#", f'public string @P {{ get; set; }} = "{SLOT}";'),
    Style("Go", f'@c := "{SLOT}"'),
    Style("Ruby", f'config.@s = "{SLOT}"'),
    Style("Rust", f'let @s = String::from("{SLOT}");'),
    Style("Terraform", f'  @s = "{SLOT}"'),
    Style("XML", f"<@P>{SLOT}</@P>"),
    Style("XML settings", f'<add key="@P" value="{SLOT}" />'),
    Style("curl header", f"curl -H 'X-@K: {SLOT}' https://api.example.com/v1/items"),
    Style("curl form", f"curl -d '@s={SLOT}' https://api.example.com/session"),
    Style("HTTP header", f"X-@K: {SLOT}"),
    Style("URL query", f"https://api.example.com/v2/items?limit=20&@s={SLOT}"),
    Style("URL query, first", f"https://api.example.com/v2/items?@c={SLOT}&limit=20"),
    Style("CLI flag", f"mytool sync --@k {SLOT} --verbose"),
    Style("CLI flag with =", f"mytool sync --@k={SLOT}"),
    Style("docker run", f"docker run --rm -e @S={SLOT} registry.example.com/app:1.4"),
    Style("Dockerfile", f"ENV @S={SLOT}"),
)


def assigned(*names: str) -> Wrap:
    """The words around a value that is a secret because of its name."""

    def wrap(rng: random.Random) -> str:
        return rng.choice(ASSIGNMENTS).fill(rng.choice(names))

    return wrap


def within(*templates: str) -> Wrap:
    """One of these templates, each with a slot."""
    return lambda rng: rng.choice(templates)


NAMES = (
    "access token",
    "api key",
    "api token",
    "auth token",
    "billing service token",
    "bot token",
    "client secret",
    "deploy token",
    "acme api key",
    "my app secret key",
    "refresh token",
    "session secret",
    "webhook secret",
    "admin password",
    "db password",
)


def short(rng: random.Random) -> str:
    """12 to 20 letters and digits, with at least one of each."""
    body = run(ALNUM, 10, 18)(rng)
    at = rng.randint(0, len(body))
    return body[:at] + rng.choice("23456789") + rng.choice("abcdefgh") + body[at:]


VALUES: tuple[tuple[str, Maker], ...] = (
    ("uuid", uuid),
    ("hex32", hexes(32)),
    ("hex40", hexes(40)),
    ("short", short),
)


@dataclass(frozen=True)
class Assigned:
    """An assignment: `text[start:stop]` is the value, a secret."""

    style: str
    value: str
    text: str
    start: int
    stop: int


def assignments(seed: int, per_pair: int) -> Iterator[Assigned]:
    """For each way to write one and each kind of value, so many assignments."""
    for style in ASSIGNMENTS:
        for kind, make in VALUES:
            for turn in range(per_pair):
                rng = random.Random(f"{seed}/{style.name}/{kind}/{turn}")
                template, value = style.fill(rng.choice(NAMES)), make(rng)
                start = template.index(SLOT)
                text = template.replace(SLOT, value)
                yield Assigned(style.name, kind, text, start, start + len(value))


ANY_VALUE: Maker = either(*(make for _, make in VALUES))
