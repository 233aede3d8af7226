"""What the fields of an app's memory are called, and what their names mean.

Names are compared in lower case with ``_`` between the words, so that ``createdAt``,
``created-at`` and ``Created At`` are one.
"""

from __future__ import annotations

import re
from functools import lru_cache


def word_set(text: str) -> frozenset[str]:
    """Return the words of a table that is written as text."""
    return frozenset(text.split())


TEXT = (
    "content", "text", "fact", "memory", "statement", "observation", "value", "summary",
    "sentence", "description", "note", "message", "body", "insight", "details", "continut",
    "amintire", "fapt", "inhalt", "erinnerung", "tatsache", "fakt",
)  # fmt: skip
"""Where a memory's words stand, the likeliest first."""

SAID = ("content", "text", "fact", "memory", "statement", "observation")
"""Those of them that nothing but a memory has."""

TEXT_ELSE = ("event", "goal", "preference", "belief", "data", "title", "name")
"""Where they stand if in none of those."""

SUBJECT = (
    "subject", "key", "attribute", "entity", "person", "title", "name", "label", "field",
    "topic", "about", "slot",
)  # fmt: skip
KEY = word_set("key attribute field slot label name property")
"""Names of a subject whose value may be a bare word: ``{"key": "city", "value": "Cluj"}``."""

CATEGORY = ("category", "entity_type", "memory_type", "type", "kind", "group", "section",
            "domain", "area", "categorie", "kategorie", "tip", "typ")  # fmt: skip
IMPORTANCE = ("importance", "importance_score", "salience", "priority", "weight", "rating",
              "significance", "importanta", "wichtigkeit")  # fmt: skip
CONFIDENCE = ("confidence", "confidence_score", "certainty", "probability")
TAGS = ("tags", "keywords", "labels", "categories", "topics")
HAPPENED = ("event_date", "occurred_at", "happened_at", "occurred_on", "date", "when", "day")
"""Dates of what a memory is about."""

STORED = ("created_at", "timestamp", "created", "added_at", "learned_at", "recorded_at",
          "remembered_at", "stored_at", "time", "updated_at", "last_updated",
          "modified_at")  # fmt: skip
"""Dates on which it was written down."""

PREDICATE = ("predicate", "relation", "relationship", "relation_type", "verb")
ENDS = (("from", "to"), ("subject", "object"), ("source", "target"), ("subject", "value"),
        ("entity", "value"))  # fmt: skip
"""Fields that name both ends of a relation."""

GONE = word_set(
    "deleted is_deleted archived is_archived forgotten superseded superseded_by superseded_by_id "
    "expired expired_at invalid_at invalidated_at retracted obsolete"
)
ALIVE = word_set("active is_active enabled valid is_valid")
GONE_STATES = word_set("deleted archived superseded inactive forgotten rejected expired obsolete")
CONFIDENTIAL = word_set("secret is_secret confidential is_confidential")

PERSONALITY = word_set(
    "personality personality_profile persona profile identity core_identity self self_model "
    "character user_profile about_me who_i_am personalitate identitate personlichkeit identitat"
)
"""Fields that hold what somebody is like."""

TRAIT_LISTS = word_set(
    "traits personality_traits core_traits character_traits trasaturi eigenschaften"
)
PARTS = TRAIT_LISTS | word_set(
    "name full_name nickname bot_name display_name preferred_name pronouns age birthday role "
    "occupation job profession purpose bio biography background backstory description tagline "
    "location hometown home city country languages language_preference big_five archetype "
    "archetypes interests hobbies passions likes dislikes preferences values core_values beliefs "
    "goals aspirations flaws speech_style strengths weaknesses fears quirks "
    "typing_quirks common_phrases catchphrases phrases "
    "communication_style speaking_style writing_style style tone tone_markers voice mood humor "
    "humour emoji_patterns favorite_emojis motto system_prompt scenario greeting mbti enneagram "
    "nume varsta prenume valori interese preferinte stil ton werte interessen vorlieben stil "
    "sprachstil beruf wohnort"
)
"""Fields that say what somebody is like where they stand in no field of the ones above."""

PROMPTS = word_set("system_prompt system_message system_instruction persona_prompt")
NAMES = ("name", "display_name", "full_name", "preferred_name", "nickname", "bot_name", "nume")

MEMORIES = word_set(
    "memories memory core_memories core_memory facts fact_list personal_facts user_facts "
    "knowledge knowledge_base known_facts long_term_memory long_term short_term_memory short_term "
    "working_memory episodic_memory episodic semantic_memory semantic procedural_memory "
    "archival_memory recall_memory memory_bank brain core all entries records rows items data "
    "results result examples observations blocks entities relations nodes edges graph payload "
    "export content user history amintiri fapte erinnerungen fakten tatsachen"
)
"""Fields that hold memories, and whose own names say nothing about them."""

MEMORY_BOXES = word_set(
    "memories core_memories core_memory facts personal_facts user_facts long_term_memory "
    "short_term_memory episodic_memory semantic_memory memory_bank memory archival_memory "
    "amintiri erinnerungen"
)
"""Those of them that hold nothing else in any app."""

TALKS = word_set(
    "response_examples sample_responses example_dialogues examples conversations dialogues"
)

SPLITS = {
    **dict.fromkeys(("train", "training", "train_data", "training_data", "train_set"), "train"),
    **dict.fromkeys(
        ("validation", "val", "valid", "validation_data", "val_data", "eval", "validation_set"),
        "validation",
    ),
    **dict.fromkeys(("test", "test_data", "test_set", "holdout"), "test"),
}
"""Fields that hold a part of a dataset, and that part."""

ABOUT_FILE = word_set(
    "type kind object record_type entry_type "
    "version schema schema_version format format_version exported_at export_date exported_by "
    "generated_at generated_by generator app app_name app_version source id uuid _id hash checksum "
    "user_id owner_id owner agent_id session_id run_id tenant_id total count size status success "
    "ok error last_updated last_modified updated_at created_at timestamp embedding_model model "
    "dimensions metadata_version spec spec_version creator next_id next_cursor page page_size"
)
"""Fields about a file or record, not about anybody."""

SETTINGS = word_set(
    "metadata meta settings config configuration stats statistics training_stats embedding "
    "embeddings vector vectors permissions pagination schema_info vocabulary vocabulary_sample "
    "word_counts word_frequencies index indexes extensions tools tool_rules agent_type"
)
"""Fields that hold no memories but settings and numbers."""

_COUNTS = re.compile(
    r"\w+_(?:config|configs|settings|schema|stats|embedding|vector|version)|"
    r"(?:total|num|number_of|avg|average|max|min)_\w+|\w+_(?:count|total|id|ids|uuid|hash|path)"
)
NOT_TOPICS = word_set(
    "fact facts memory memories core semantic episodic procedural general generic other misc "
    "miscellaneous note notes text long_term short_term long_term_memory short_term_memory "
    "core_memory user unknown none default uncategorized uncategorised entity relation "
    "observation statement item entry record summary explicit implicit personal_info personal "
    "info information human assistant person people organization organisation concept thing"
)
"""Categories that name no subject."""

EVENTS = word_set(
    "event events episodic episode experience experiences milestone milestones trip trips journal "
    "diary life_event life_events moment moments eveniment evenimente experienta experiente "
    "ereignis ereignisse erlebnis erlebnisse"
)
"""Categories of what happened on a day."""


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return a field's name in lower case with ``_`` between its words, without diacritics."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.strip())
    text = text.lower().translate(_FOLDED)
    return re.sub(r"[^\w]+|_+", "_", text).strip("_")


_FOLDED = str.maketrans("ăâîșşțţäöüáéíóú", "aaissttaouaeiou")


def spoken(name: str) -> str:
    """Return a field's name as words: "favorite food". A name of somebody keeps its capitals."""
    separated = re.sub(r"(?<=[a-zà-ž0-9])(?=[A-Z])", " ", name)
    words = re.sub(r"[_\-.\s]+", " ", separated).strip()
    if not name[:1].islower():
        return words
    return " ".join(word if word.isupper() else word.lower() for word in words.split())


def is_about_file(name: str) -> bool:
    """Say whether a field is about the file or record and not about anybody."""
    return name in ABOUT_FILE or _COUNTS.fullmatch(name) is not None


def is_identifier(name: str) -> bool:
    """Say whether a field's name is a number or key of a record, as in ``{"mem_001": …}``."""
    return (
        re.fullmatch(r"(?:[a-z]{1,12}[_-]?)?\d+|[0-9a-f]{8,}|[0-9a-f-]{32,}", name.lower())
        is not None
    )
