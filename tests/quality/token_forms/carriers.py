"""Where a secret stands in what people write: prose, notes, chats, code and logs."""

from dataclasses import dataclass

from tests.quality.token_forms.shapes import SLOT, Holds


@dataclass(frozen=True)
class Carrier:
    """A text with a slot, for a bare token, for a line, or for a block of lines."""

    name: str
    template: str
    holds: Holds = "token"


CARRIERS: tuple[Carrier, ...] = (
    Carrier("english, end of sentence", f"I had to rotate the key again, the new one is {SLOT}."),
    Carrier("english, comma", f"Use {SLOT}, not the one from last week, for the staging box."),
    Carrier(
        "english, parentheses", f"The bot kept failing until I pasted the token ({SLOT}) again."
    ),
    Carrier("english, quotes", f'She wrote "{SLOT}" on the whiteboard, so please revoke it.'),
    Carrier("english, single quotes", f"It only works with '{SLOT}' as far as I can tell."),
    Carrier("english, question", f"Is {SLOT} still the right one? Mine gets a 401."),
    Carrier("english, colon", f"Token for the demo account: {SLOT}\nPlease don't share it."),
    Carrier("english, dash", f"Here it is — {SLOT} — and now I'll delete this message."),
    Carrier("english, possessive", f"Found {SLOT}'s owner, it was created by the old intern."),
    Carrier(
        "german, end of sentence", f"Der neue Schlüssel lautet {SLOT}. Bitte nicht weitergeben!"
    ),
    Carrier("german, quotes", f"Trag unter Einstellungen „{SLOT}“ ein und starte den Dienst neu."),
    Carrier("german, note", f"Notiz an mich: Zugang fürs Backup ist {SLOT}, läuft im März ab."),
    Carrier(
        "french, quotes", f"Pour l'API il faut mettre « {SLOT} » dans l'en-tête, sinon ça échoue."
    ),
    Carrier("french, tight quotes", f"J'ai remplacé l'ancienne clé par «{SLOT}»; ça marche enfin."),
    Carrier("french, end", f"Voici le jeton que tu m'avais demandé : {SLOT} !"),
    Carrier(
        "spanish, end of sentence", f"Apunté la clave del servidor: {SLOT}. Cámbiala cuando puedas."
    ),
    Carrier("spanish, question", f"¿Me confirmas si {SLOT} sigue activo? A mí me da error."),
    Carrier(
        "italian, parentheses",
        f"Ho rigenerato il token ({SLOT}) perché quello vecchio era scaduto.",
    ),
    Carrier("italian, chat", f"ciao, prova con questo: {SLOT} e fammi sapere"),
    Carrier("portuguese", f"O segredo do ambiente de teste é {SLOT}; não coloque no repositório."),
    Carrier("dutch", f"De sleutel voor de testomgeving is {SLOT}, graag daarna verwijderen."),
    Carrier("markdown code span", f"Set the value to `{SLOT}` and run the job once more."),
    Carrier("markdown bold", f"**Key:** {SLOT}\n\n**Owner:** platform team"),
    Carrier("markdown bold around", f"The only working key is **{SLOT}**, the rest is expired."),
    Carrier("markdown table", f"| service | key |\n|---|---|\n| billing | {SLOT} |\n| mail | - |"),
    Carrier("markdown table, code", f"| env | value |\n|:--|:--|\n| prod | `{SLOT}` |"),
    Carrier("markdown list", f"- host: api.example.com\n- token: {SLOT}\n- region: eu-west-1"),
    Carrier("markdown quote", f"> works for me with {SLOT}\n\nNot for me, see the log above."),
    Carrier(
        "markdown link target", f"See [the panel](https://example.com/?key={SLOT}) for the graphs."
    ),
    Carrier("html", f"<p>Your key is <code>{SLOT}</code>. Keep it safe.</p>"),
    Carrier("html attribute", f'<input type="hidden" name="token" value="{SLOT}">'),
    Carrier("json", f'{{\n  "service": "search",\n  "apiKey": "{SLOT}",\n  "retries": 3\n}}'),
    Carrier("json, one line", f'{{"token":"{SLOT}","expires_in":3600}}'),
    Carrier("json in a log", f'{{"level":"warn","msg":"login with {SLOT}\\n","code":401}}'),
    Carrier("yaml", f"service:\n  name: search\n  token: {SLOT}\n  replicas: 2"),
    Carrier("yaml, quoted", f'env:\n  - name: TOKEN\n    value: "{SLOT}"'),
    Carrier("toml", f'[auth]\ntoken = "{SLOT}"\nttl = 600'),
    Carrier("python call", f'client = Client("{SLOT}", timeout=10)'),
    Carrier("js call", f"const api = connect('{SLOT}', {{ retry: true }});"),
    Carrier("shell argument", f"$ login --token {SLOT} --user amber\nLogged in."),
    Carrier("shell export", f"export TOKEN={SLOT}; ./run.sh"),
    Carrier(
        "log, key=value", f"2026-02-11T08:14:52Z WARN auth token={SLOT} status=401 path=/v1/me"
    ),
    Carrier("log, brackets", f"[08:14:52] request refused [{SLOT}] after 3 tries"),
    Carrier("csv", f"name,token,created\nbilling,{SLOT},2025-11-03"),
    Carrier("xml", f"<auth><token>{SLOT}</token></auth>"),
    Carrier("python repr", f"AuthError({{'token': '{SLOT}', 'status': 403}})"),
    Carrier("alone", SLOT, "block"),
    Carrier("alone between lines", f"the key:\n\n{SLOT}\n\nthanks", "block"),
    Carrier(
        "chat, user and reply", f"Lena: can you send it?\nTom: {SLOT}\nLena: got it, thx", "line"
    ),
    Carrier(
        "german, colon",
        f"Das hier muss in die Konfiguration:\n{SLOT}\nDanach neu starten.",
        "block",
    ),
    Carrier("french, colon", f"Il suffit de coller ceci dans le fichier :\n\n{SLOT}\n", "block"),
    Carrier("spanish, colon", f"Copia esto tal cual y guarda el archivo:\n{SLOT}\n", "block"),
    Carrier(
        "italian, colon",
        f"Incolla questo nel file di configurazione:\n{SLOT}\nPoi riavvia.",
        "block",
    ),
    Carrier(
        "fence", f"This is what I have:\n\n```\n{SLOT}\n```\n\nWhat is wrong with it?", "block"
    ),
    Carrier("fence with language", f"```sh\n# settings of the old box\n{SLOT}\n```", "block"),
    Carrier("fence with tildes", f"~~~text\n{SLOT}\n~~~", "block"),
    Carrier("html pre", f"<pre>\n{SLOT}\n</pre>", "block"),
    Carrier("numbered list", f"1. open the file\n2. add this line: {SLOT}\n3. save", "line"),
    Carrier("quoted mail", f"On Tuesday Kim wrote:\n> {SLOT}\n> and then it worked", "line"),
    Carrier("comment in code", f"def connect():\n    # {SLOT}\n    return open_session()", "line"),
    Carrier("diff", f"@@ -3,6 +3,7 @@\n debug = false\n+{SLOT}\n region = eu", "line"),
)
