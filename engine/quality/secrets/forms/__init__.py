"""The forms of tokens that vendors document, as data: one line a form.

Facts come from the vendors' own pages, from GitHub's list of secret scanning partners, and from
the public rule sets of gitleaks and TruffleHog. A form that a prefix or a mark within makes
distinct needs no further proof: a token of letters alone is as good as one with digits.
"""

from engine.quality.secrets.forms import clouds, code_hosts, models, services
from engine.quality.secrets.forms.form import Form

FORMS: tuple[Form, ...] = (*models.FORMS, *code_hosts.FORMS, *clouds.FORMS, *services.FORMS)

__all__ = ["FORMS", "Form"]
