"""Names of columns that say that a value is personal: ``first_name``, ``dob``, ``Telefon``."""

from __future__ import annotations

import re

from engine.quality.normal import normal_text

_LONGEST = 60
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[0-9]+")
_BY_NAME = {
    "person": "name,first name,last name,full name,firstname,lastname,fullname,middle name,surname"
    ",given name,family name,maiden name,username,user name,customer name,client name"
    ",patient name,contact name,employee name,nume,prenume,nume complet,nombre,apellido"
    ",apellidos,nome,cognome,nom,prénom,prenom,vorname,nachname",
    "date-of-birth": "dob,date of birth,birthday,birth date,birthdate,born,data nasterii"
    ",data nașterii,geburtsdatum,geburtstag,date de naissance,fecha de nacimiento,data di nascita"
    ",data de nascimento",
    "phone": "phone,phone number,phonenumber,telephone,telephone number,tel,mobile,mobile number"
    ",mobile phone,cell,cell phone,cellphone,fax,whatsapp,telefon,mobil,teléfono,telefono"
    ",telefone,téléphone,portable,handy,home phone,work phone,contact number",
    "us-ssn": "ssn,social security number,social security",
    "iban": "iban,iban number,iban code",
    "ro-cnp": "cnp",
    "email": "email,e mail,mail,email address,mail address",
}
_CODES = {name: code for code, names in _BY_NAME.items() for name in names.split(",")}
_LETTER = re.compile(r"[^\W\d_]")
_LEAST_DIGITS = {"phone": 6, "us-ssn": 7, "iban": 6, "ro-cnp": 12, "date-of-birth": 4}
_MOST_CHARS = 100
_NOTHING = frozenset(("none", "null", "nan", "n/a", "na", "unknown", "anonymous", "user", "true",
                      "false", "-", "assistant", "system", "human", "admin", "guest"))  # fmt: skip


def column_code(name: str, value: str) -> str:
    """Return what the value of a column is by the column's name, or "" where that says nothing.

    A value that its name does not fit, such as a telephone number without digits or a name
    as long as a paragraph, is left to the other rules.

    Args:
        name: The column's name, in any case and with any signs between its words.
        value: The value as text; a number as its digits.

    Returns:
        One of the check's codes, or "".
    """
    words = " ".join(part.lower() for part in _PARTS.findall(normal_text(name)[:_LONGEST]))
    code = _CODES.get(words, "")
    value = normal_text(value).strip()
    if not code or len(value) > _MOST_CHARS or value.lower() in _NOTHING or "\n" in value:
        return ""
    if code == "person":
        return code if _LETTER.search(value) else ""
    if code == "email":
        return code if "@" in value[1:-1] else ""
    digits = sum(character.isdigit() for character in value)
    return code if digits >= _LEAST_DIGITS[code] else ""
