"""The parts that postal addresses are made of, in the forms of some countries.

From the Universal Postal Union's address formats, USPS Publication 28 (suffixes, states),
the Royal Mail's postcodes, and what people write: units, floors, staircases, counties.
"""

from __future__ import annotations

import re

UP = r"[A-ZÀ-ÖØ-ÞĂÂÎȘȚŞŢŁŚŻŹĆŠŽČĚŘŮĐŐŰ]"
# A full stop ends a sentence, but not after an abbreviation: "St.", "Gral.".
_WORD = rf"(?:[dlDL]['’])?{UP}(?:[a-zà-ÿăâîșț]{{0,2}}\.(?=[ -])|(?:[\w'’-]|\.(?=\w)){{0,30}})"
_SMALL = (
    r"(?:de|del|della|delle|dello|dei|degli|di|da|do|dos|das|du|des|la|le|les|lo|los|las|el|al|ai"
    r"|der|den|dem|die|van|von|vom|zum|zur|am|an|im|in|auf|unter|vor|vorm|ob|bei|ten|ter|op|het|aan"
    r"|bij|sur|sous|lès|lez|en|aux|au|et|à|y|i|e|und|și|cel|cea|lui|din|a|ao|sub|pe|la|cu|ca|['’]t|['’]s|of|the|upon|on|under|nad"
    r"|pod|mai|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre|marzo|abril|mayo|julio"
    r"|octubre|noviembre|diciembre|maggio|aprile|settembre|decembrie|iunie|abril|outubro)"
)
_ORDINAL = r"(?:\d{1,3}(?:st|nd|rd|th|e|er|º|ª)?(?!\d)|1[6-9]\d\d(?!\d))"
_NAME = (
    rf"(?=[^\n,]{{0,40}}{UP})(?:(?:{_WORD}|{_SMALL}|{_ORDINAL}) {{1,2}}){{0,5}}"
    # A number alone is that of a house.
    rf"(?:{_WORD}|(?:mai|mars|marzo|mayo|maggio|abril)(?!\w)|\d{{1,3}}(?:st|nd|rd|th|e|er|º|ª)"
    r"|1[6-9]\d\d(?!\d))"
)
_HOUSE = (
    r"\d{1,5}(?: ?[-–/] ?\d{1,4}(?!\d)){0,2}(?:(?: ?[-/])?[a-zA-Z](?![\w'’]))?"
    r"(?:,? (?:bis|ter|quater|B|T)(?!\w))?"
)
_HOUSE_LAST = (
    r"(?:(?:[Nn](?:r|o|º|°|úm|um|\.º|\.°)?\.? ?|[Nn]um[ăa]r(?:ul)? |[Nn]úmero |[Nn]umero |#)?"
    rf"{_HOUSE}|[Ss]/[Nn](?:º|\.)?|snc|s\.n\.c\.)(?![\w%])"
)
# Kinds of streets after a name, with a number before (English).
_EN_STRONG = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq"
    r"|Terrace|Parkway|Pkwy|Highway|Hwy|Crescent|Trail|Trl|Gardens|Grove|Mews)"
)
_DIRECTION = r"(?:[NSEW]\.?|N\.?[EW]\.?|S\.?[EW]\.?|North|South|East|West)"
_FR_KIND = (
    r"(?:[Rr]ue|[Aa]v(?:enue|\.)?|[Bb]oulevard|[Bb]o?u?l?[vd]\.?|[Aa]ll[ée]es?|[Ii]mpasse|[Qq]uai"
    r"|[Cc]hemin|[Rr]oute|[Pp]lace|[Cc]ours|[Pp]assage|[Ss]quare|[Ss]entier|[Rr]uelle|[Vv]illa"
    r"|[Ee]splanade|[Ff]aubourg|[Cc]ité|[Vv]oie|[Cc]h\.|[Pp]l\.|[Rr]te\.?)"
)
# Kinds of streets before a name, with a number after (Romance languages).
_BEFORE = (
    r"(?:[Ss]tr(?:ada|\.)|STR\.|[Bb](?:ulevardul|-?dul|-?d\.|lvd\.?|vd\.?)|[Cc]alea"
    r"|[ȘSŞșsş]os(?:eaua|\.)|[Aa]leea|[Ss]pl(?:aiul|\.)|[Pp]ia[țţt]a|[Ii]ntr(?:area|\.)"
    r"|[Ff]und[ăa]tura|[Dd]rumul|[Pp]relungirea|[Pp]asajul|[Cc]artier(?:ul)?|[Uu]li[țţt]a"
    r"|(?:[Cc]alle|C/|[Aa]v(?:enida|da|d|g?da)?\.?|[Pp]aseo|[Pp]º|P\.º|[Pp]la?za\.?"
    r"|[Cc]amino|[Rr]onda|[Cc]uesta|[Vv]ial|[Pp]asadizo|[Aa]cceso|[Uu]rb(?:anización|\.)|[Cc]arrer"
    r"|[Cc]allej[óo]n|[Cc]arretera|[Cc]tra\.?|[Gg]lorieta|[Pp]asaje|[Rr]ambla|[Tt]raves[íi]a"
    r"|[Cc]añada|[Bb]arrio|[Aa]lameda|[Vv][íi]a|[Pp]assatge|[Rr]úa)"
    r"|(?:[Vv]iale|V\.le|[Vv]icolo|[Cc]orso|C\.so|[Pp]iazz(?:a|ale|etta)|P\.(?:za|le)|[Ll]argo"
    r"|[Cc]ontrada|[Ss]trada|[Ss]tretto|[Ii]ncrocio|[Rr]otonda|[Bb]orgo|[Cc]anale|[Ll]ungo\w*"
    r"|[Ss]alita|[Tt]raversa|[Ll]ocalità|[Ff]razione|[Gg]alleria|[Cc]alata)"
    r"|(?:[Rr]ua|[Tt]rav(?:essa|\.)|[Tt]v\.|[Pp]ra[çc]a|[Ll]g\.|[Ee]strada|[Ee]str\.|[Bb]eco"
    r"|[Cc]alçada|[Rr]otunda|[Qq]uinta|[Bb]airro|[Uu]rbanização|[Rr]odovia|[Pp]ç\.|[Aa]zinhaga)"
    r"|[Uu]l(?:\.|ica))"
)
_BEFORE_TOWNS = rf"(?:{_BEFORE}|{_FR_KIND}|R\.|C\.|Al\.|Os\.|Pl\.|P\.)"
_STEM = rf"{UP}[\w'’.-]{{1,40}}?"
_DE_END = (
    r"(?:stra(?:ß|ss)e|str\.?|weg|platz|allee|gasse|damm|ufer|steig|chaussee|pfad|stieg|graben"
    r"|zeile|promenade)"
)
_NL_END = r"(?:straat|laan|dreef|steeg|plein|gracht|kade|singel|dijk|plantsoen|boulevard|oever)"

STREETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            rf"(?<![\w.,$€£/-])\d{{1,5}}(?:-\d{{1,4}})?(?: ?[A-Za-z](?!\w))?,? (?:{_DIRECTION} )?"
            rf"(?!of |the |and )(?:(?:{_WORD}|of|the|and|de|la|{_ORDINAL}) {{1,2}}){{0,3}}"
            rf"(?:{_WORD}|{_ORDINAL}) "
            rf"{_EN_STRONG}\b\.?(?:(?<=way|Hwy|oad) \d{{1,4}}(?!\w))?(?:,? {_DIRECTION}(?!\w))?"
        ),
        "a street with a number",
    ),
    (
        re.compile(rf"(?<![\w.,/-]){_HOUSE},? {_FR_KIND} {_NAME}"),
        "a French street with a number",
    ),
    (
        re.compile(rf"(?<![\w/]){_BEFORE} ?{_NAME},? {{0,2}}{_HOUSE_LAST}"),
        "a street with a number",
    ),
    (
        re.compile(
            rf"(?<!\w)(?:{_STEM}(?:(?<=\w){_DE_END}|-(?:Stra(?:ß|ss)e|Str\.|Weg|Platz|Allee|Gasse"
            rf"|Ring|Ufer|Damm|Pfad))|(?:{_WORD} ){{1,3}}(?:Stra(?:ß|ss)e|Str\.|Weg|Platz|Allee"
            rf"|Gasse|Ring|Damm|Ufer)|{UP}[\w'’-]+{_NL_END}|Unter den Linden"
            rf"|Stra(?:ß|ss)e (?:de[rs]|am|zu[mr]) (?:\d{{1,2}}\. )?{_NAME}) {{1,2}}{_HOUSE}(?!\w)"
        ),
        "a German or Dutch street with a number",
    ),
)
"""Streets with a number that are believed by themselves, and what they are called."""

STREETS_BEFORE_TOWNS: tuple[re.Pattern[str], ...] = (
    re.compile(rf"(?<![\w.,$€£/-]){_HOUSE},? (?:{_FR_KIND} )?{_NAME}"),
    re.compile(rf"(?<![\w.@/-])(?:{_BEFORE_TOWNS} ?)?{_NAME}\.?,? {{0,2}}{_HOUSE_LAST}"),
    re.compile(rf"(?<![\w/]){_BEFORE_TOWNS} ?{_NAME}"),
)
"""What is a street where a postcode with a town comes after it."""

BREAK = r"(?:[ \t]{0,3},?[ \t]{0,3}\r?\n[ \t>*|]{0,8}|[ \t]{0,3}[,;][ \t]{0,3}|[ \t]+[-–·|/][ \t]+)"
BREAKS = re.compile(BREAK)
SPACES = re.compile(r"[ \t]{1,3}")

_UNIT_ID = (
    r"(?:[A-Z]?-?\d{1,5}[A-Za-z]?(?:[-/]\d{1,3})?|[A-Z]\d{0,2}|[a-z]\d{1,2}|[IVX]{1,4})(?!\w)"
)
_UNIT_KIND = (
    r"(?:apt|apartment|apto|appt|appartement|appartamento|suite|ste|unit|flat|room|rm|floor|fl"
    r"|bldg|building|studio|level|block|blk|box|lot|tower|bl|bloc(?:ul)?|sc|scara|et|etaj(?:ul)?"
    r"|ap|apart|apartament(?:ul)?|cam|camera|corp|interfon|piso|planta|puerta|pta|esc|escalera"
    r"|bloque|portal|local|oficina|interno|int|scala|piano|palazzina|b[âa]timent|b[âa]t|escalier"
    r"|[ée]tage|porte|stg|stiege|top|tür|whg|wohnung|lote?|bloco|andar|sala|fra[cç]{1,2}ão|casa"
    r"|verdieping|kamer|conj|conjunto|edif[íi]cio|edif|dpto|depto|sector(?:ul)?|tr|tronson)"
)
UNITS = re.compile(
    rf"(?:(?i:{_UNIT_KIND})\.?[ \t]{{0,2}}(?:n[.ºo°r]{{1,2}} ?)?#?{_UNIT_ID}"
    r"|#[ ]?\d{1,5}\w?(?!\w)"
    r"|\d{1,2}(?:st|nd|rd|th) (?:[Ff]loor|[Ff]l\.?)(?!\w)"
    r"|\d{1,2}(?:er|e|ème|ère)? [ée]tage(?! \w+ent)"
    r"|\d{1,2}\. ?(?:OG|UG|Stock|Etage|Obergeschoss)(?:,? (?:links|rechts|mitte))?(?!\w)"
    r"|\d{1,2} ?(?:\.?[ºª°]|º\.)(?:[ ,-]{0,2}(?:[A-Z](?!\w)|\d{1,2} ?[ºª]?|[Ii]zq\w*\.?"
    r"|[Dd](?:er|cha?|to|rt|erecha|ireito)\w*\.?|[Ee]sq(?:uerdo)?\.?|[Cc]entro"
    r"|[Ff]r(?:ente|t)\.?|[Aa]ndar|[Pp]lanta|[Pp]iso|[Pp]uerta(?: \w{1,3}(?!\w))?))?"
    r"|R/C(?: ?(?:[Ee]sq|[Dd]to)\.?)?|[Bb]ajo(?: [A-Z])?(?!\w)|[Áá]tico(?: [A-Z])?(?!\w)"
    r"|[Hh]interhaus|[Vv]orderhaus|Seitenflügel|EG|DG|[Pp]arter(?!\w)|[Pp]iano terra"
    r"|[Gg]round [Ff]loor|[Bb]asement|[Pp]enthouse|[Rr]ez-de-chaussée|RDC|[Ee]ntresuelo"
    rf"|[Pp]rincipal(?!\w)|c/o {_WORD}(?: {_WORD})?|(?:BP|CS|TSA) \d{{1,5}}"
    rf"|P\.? ?O\.? ?Box \d{{1,6}}"
    rf"|[Rr]ésidence (?:{_SMALL} )*{_WORD}(?: {_WORD})?)"
)
UNITS_BEFORE = re.compile(
    rf"(?<!\w)(?i:{_UNIT_KIND})\.? ?#?{_UNIT_ID}{BREAK}\Z|(?<!\w)(?:Level|Unit|Suite|Flat|Shop)"
    rf" \d{{1,4}}[A-Za-z]?[, /]{{1,2}}\Z|(?<!\w)c/o {_WORD}(?: {_WORD})?{BREAK}\Z"
    rf"|(?<!\w)[Rr]ésidence (?:{_SMALL} )*{_WORD}(?: {_WORD})?{BREAK}\Z"
)

KIND_ALONE = re.compile(rf"(?<!\w)(?i:{_UNIT_KIND})\.? ?#?\Z")
KIND_NAMED = re.compile(
    rf"(?:{_HOUSE},? )?{_BEFORE_TOWNS}(?!\w)"
    rf"|.*(?:\w(?:ring|hof|pad|baan|wal|markt|park|berg|bogen|platzl|{_DE_END[3:-1]})|[Ww]eg) \d"
)
"""A street that is named as one, though not clearly enough to be believed by itself."""
TOWN = (
    rf"(?:\d{{1,2}} (?=Decembrie|August|Mai))?{_WORD}(?:[ -](?:{_SMALL}[ -]){{0,2}}{_WORD}){{0,4}}"
    rf"(?: ca(?!\w))?(?: \({_WORD}(?: (?:{_SMALL} )?{_WORD})?\))?"
)
TOWNS = re.compile(TOWN)
_STATE = (
    r"(?:A[AEKLPRSZ]|C[AOT]|D[CE]|F[LM]|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEHINOPST]|N[CDEHJMVY]|O[HKR]"
    r"|P[ARW]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY])"
)
_STATE_NAME = (
    r"(?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia"
    r"|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts"
    r"|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey"
    r"|New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania"
    r"|Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington"
    r"|West Virginia|Wisconsin|Wyoming)"
)
_PROVINCE = r"(?:AB|BC|MB|NB|NL|NS|NT|NU|ON|PE|QC|SK|YT)"
_AU_STATE = r"(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT)"
UK_POSTCODE = (
    # The forms that the Royal Mail documents, with their space.
    r"(?<![\w-])(?:[A-PR-UWYZ][A-HK-Y]?\d[A-Z\d]?|GIR) \d[ABD-HJLNP-UW-Z]{2}(?![\w-])"
)
US_ZIP = rf"(?:{_STATE}|{_STATE_NAME}),? {{1,2}}\d{{5}}(?:-\d{{4}})?(?![\w-])"
_CA_CODE = rf"{_PROVINCE},? {{1,2}}[A-CEGHJ-NPR-TVXY]\d[A-Z][ -]?\d[A-Z]\d(?!\w)"
_COD = r"(?:[Cc]od(?:ul)?\.? po[șsş]tal:? ?|[Cc]\.?[Pp]\.?:? ?|CAP:? ?|PLZ:? ?)"
POSTCODES: tuple[re.Pattern[str], ...] = (
    re.compile(rf"(?:{TOWN}[, ] {{0,2}})?{US_ZIP}"),
    re.compile(rf"(?:{TOWN}[, ] {{0,2}})?{_CA_CODE}"),
    re.compile(rf"(?:{TOWN}[, ] {{0,2}}){_AU_STATE},? \d{{4}}(?!\w)"),
    re.compile(rf"(?:{TOWN}[, ] {{0,2}})?{UK_POSTCODE}"),
    # Postcode first: Germany, France, Italy, Spain.
    re.compile(
        rf"{_COD}?(?:[A-Z]{{1,3}}[- ])?\d{{5}},? {{1,2}}{TOWN}(?: ?\([A-Z]{{2}}\)"
        r"| [A-Z]{2}(?!\w))?(?: [Cc][Ee][Dd][Ee][Xx](?!\w))?"
        r"(?:(?<= [Cc]edex| CEDEX) \d{1,2}(?!\w))?"
    ),
    # Brazil, Portugal, the Netherlands, Romania, Poland, Sweden.
    re.compile(
        rf"(?:CEP:? ?)?\d{{5}}-?\d{{3}}(?!\d)(?:,? (?:d[aeo]s? )?{TOWN})?"
        r"(?: ?[-/] ?[A-Z]{2}(?!\w))?"
    ),
    re.compile(rf"\d{{4}}-\d{{3}}(?!\d)(?:,? {TOWN})?"),
    re.compile(rf"\d{{4}} ?[A-Z]{{2}}(?!\w)(?:(?:{BREAK}| {{1,2}})(?:[Dd]e |[Hh]et )?{TOWN})?"),
    re.compile(rf"\d{{6}},? {TOWN}|(?:{_COD}|RO[- ])\d{{6}}(?!\d)(?:,? {TOWN})?"),
    re.compile(rf"(?:PL-)?\d{{2}}-\d{{3}} {TOWN}"),
    re.compile(rf"(?:SE-)?\d{{3}} \d{{2}} {TOWN}"),
    # Town first: Spain, Romania.
    re.compile(rf"{TOWN},? {{1,2}}{_COD}?\d{{5,6}}(?![\w-]|[.,]\d)"),
)
"""Postcodes, with their town where it is beside them."""

SHORT_POSTCODES = re.compile(
    rf"(?:(?:AT|A|CH|BE|B|DK|NO|LU?|HU?)-)?\d{{4}} {TOWN}|\d{{5,6}}(?![\w-]|[.,]\d)"
)
"""Four digits (Austria, Switzerland, Belgium…), or no town: after a street of a named kind."""

CODE_LIKE = re.compile(
    r"(?<![\w.,])(?:[A-Z]{1,3}[- ])?(?:\d{5,6}(?:-\d{3,4})?|\d{8}|\d{4} ?[A-Z]{2}|\d{4}-\d{3}"
    rf"|\d{{2}}-\d{{3}}|\d{{3}} \d{{2}}|\d{{4}}(?= {UP}[\w'’-]{{2}}))(?!\w)"
    rf"|{UK_POSTCODE}|{_AU_STATE},? \d{{4}}|{_PROVINCE},? {{1,2}}[A-Z]\d[A-Z]"
)
"""What may be a postcode; the forms of whole addresses are sought around it alone."""

REGIONS = re.compile(
    rf"(?:[Jj]ud(?:e[țţt](?:ul)?|\.)? ?{_WORD}(?: {_WORD})?|[Ss]ector(?:ul)? \d(?!\w)"
    rf"|(?:County|Co\.|Provincia(?: de| di)?|Prov\.|Comunidad de|Kreis|Kanton|Région|Distrito de) "
    rf"{_WORD}(?: (?:{_SMALL} )?{_WORD})?|{_WORD} County|\([A-Z]{{2}}\)|{_STATE}(?![\w'’])"
    rf"|(?:com(?:una|\.)|sat(?:ul)?|or(?:a[șs](?:ul)?|\.)|mun(?:icipiul|\.)|loc(?:alitatea|\.)) ?"
    rf"{_WORD}(?:[ -]{_WORD}){{0,2}})"
)
COUNTRIES = re.compile(
    r"(?:USA|U\.S\.A\.|United States(?: of America)?|UK|U\.K\.|United Kingdom|Great Britain|England"
    r"|Scotland|Wales|Northern Ireland|Ireland|Canada|Australia|Rom[âa]nia|ROM[ÂA]NIA|Germany"
    r"|Deutschland|DEUTSCHLAND|Österreich|Austria|Schweiz|Suisse|Svizzera|Switzerland|France|FRANCE"
    r"|Belgique|België|Belgium|Luxembourg|Italia|ITALIA|Italy|España|ESPAÑA|Spain|Portugal|Brasil"
    r"|Brazil|Nederland|NEDERLAND|The Netherlands|Netherlands|Polska|Poland|Moldova|México|Mexico"
    r"|Argentina|Chile|Colombia|Sverige|Sweden|Danmark|Denmark|Norge|Norway|Hungary|Magyarország)"
    r"(?!\w)"
)

TOWNS_SURE = re.compile(
    rf"(?<!\w)(?:(?:{TOWN}, ?|(?:[AFD]PO),? ){_STATE} {{1,2}}\d{{5}}(?:-\d{{4}})?(?![\w-])"
    rf"|(?:{TOWN}[, ] {{0,2}})?{_CA_CODE}"
    rf"|(?:{TOWN}[, ] {{0,2}})?{UK_POSTCODE})"
)
"""Towns with postcodes that are believed by themselves."""

TOWNS_OF_REGIONS = re.compile(rf"{TOWN},? {{1,2}}(?:{_STATE}(?![\w'’])|{COUNTRIES.pattern})")
"""A town with its state or country: believed after a street whose kind is named."""

_LINE_WORD = rf"(?:{_WORD}|{_SMALL}|#?\d[\w/-]{{0,7}})"
LINE_BEFORE = re.compile(
    rf"(?<![\w'’.-])(?P<line>(?:{_LINE_WORD} {{1,2}}){{0,6}}{_LINE_WORD}){BREAK}\Z"
)
"""A line of a letter's head, or what is between commas, before a place."""

SMALL_BEFORE = re.compile(rf"(?:{_SMALL} {{1,2}})+")
NUMBER_IN_LINE = re.compile(rf"(?:(?i:{_UNIT_KIND})\.? {{0,2}})?#?(?<!\w)\d[\w/-]{{0,7}}(?!\w)")
KIND_IN_LINE = re.compile(rf"\b{_EN_STRONG}\b")
