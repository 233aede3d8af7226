"""Memories in English."""

from __future__ import annotations

from engine.sources.memory.names import word_set
from engine.sources.memory.wording.form import Wording

WORDING = Wording(
    keyed=(
        "What is your {key}?",
        "What's your {key}?",
        "Tell me your {key}.",
        "Could you tell me your {key}?",
        "I'd like to know your {key}. What is it?",
        "Remind me: what is your {key}?",
    ),
    listed=(
        "What are your {key}?",
        "Tell me about your {key}.",
        "What would you say about your {key}?",
        "I'd like to hear about your {key}.",
    ),
    topic=(
        "What do you remember about {topic}?",
        "Tell me about {topic}.",
        "What can you say about {topic}?",
        "What should I know about {topic}?",
        "Remind me what you know about {topic}.",
        "What do you know about {topic}?",
    ),
    placed=(
        "On the subject of {category}: what do you remember about {topic}?",
        "About {category}: tell me about {topic}.",
    ),
    category=(
        "What can you tell me about {category}?",
        "What do you remember when it comes to {category}?",
        "Tell me something about {category}.",
        "What is there to know about you and {category}?",
    ),
    dated=(
        "What happened {when}?",
        "What do you remember from what happened {when}?",
        "Do you remember what happened {when}?",
    ),
    dated_topic=(
        "What do you remember about {topic} {when}?",
        "{When}: what can you tell me about {topic}?",
    ),
    plain=(
        "Tell me something about yourself.",
        "What else is there to know about you?",
        "Share something that you remember.",
        "What is a thing I should know about you?",
    ),
    who=(
        "Who are you?",
        "Can you introduce yourself?",
        "Tell me who you are.",
        "Who am I talking to?",
        "How would you introduce yourself?",
    ),
    named=(
        "What's your name?",
        "What is your name?",
        "What should I call you?",
        "How may I call you?",
        "And your name is?",
    ),
    groups={
        "traits": (
            (
                "How would you describe yourself?",
                "What kind of person are you?",
                "Which words describe you best?",
                "What are you like?",
                "What would a friend say about your character?",
            ),
            "I would describe myself like this: {items}.",
        ),
        "interests": (
            (
                "What are you interested in?",
                "What do you like to spend your time on?",
                "What are your interests?",
                "What could you talk about for hours?",
            ),
            "I'm interested in {items}.",
        ),
        "values": (
            (
                "What matters most to you?",
                "What do you stand for?",
                "What are your values?",
                "What do you believe in?",
            ),
            "What matters to me: {items}.",
        ),
        "likes": (
            ("What do you like?", "What makes you happy?", "Name some things that you like."),
            "I like {items}.",
        ),
        "dislikes": (
            ("What don't you like?", "What annoys you?", "Name some things that you dislike."),
            "What I don't like: {items}.",
        ),
        "preferences": (
            (
                "What do you prefer?",
                "What are your preferences?",
                "How do you like things to be?",
                "What should I know about your preferences?",
            ),
            "What I prefer: {items}.",
        ),
        "style": (
            (
                "How do you talk?",
                "What is your way of speaking like?",
                "How do you like to communicate?",
                "How would you describe your tone?",
            ),
            "This is how I talk: {items}.",
        ),
        "phrases": (
            (
                "What do you often say?",
                "Which phrases are typical of you?",
                "By which words would I recognise you?",
            ),
            "I often say: {items}.",
        ),
        "goals": (
            (
                "What are your goals?",
                "What do you want to achieve?",
                "What are you working towards?",
            ),
            "What I want: {items}.",
        ),
        "fears": (
            ("What are you afraid of?", "What is hard for you?", "What are your weak points?"),
            "What is hard for me: {items}.",
        ),
        "work": (
            ("What do you do?", "What is your work?", "What do you do for a living?"),
            "What I do: {items}.",
        ),
        "home": (
            ("Where are you at home?", "Where do you live?", "Where can one find you?"),
            "Where I am at home: {items}.",
        ),
        "age": (("How old are you?", "What is your age?", "May I ask your age?"), "I'm {items}."),
        "languages": (
            ("Which languages do you speak?", "What languages do you know?"),
            "I speak {items}.",
        ),
        "story": (
            (
                "What is your story?",
                "Where do you come from?",
                "Tell me about your past.",
                "How did you become who you are?",
            ),
            "{items}",
        ),
    },
    part=(
        "What about your {key}?",
        "Tell me about your {key}.",
        "What can you say about your {key}?",
        "Is there something to know about your {key}?",
    ),
    keyed_answer="My {key} is {value}.",
    listed_answer="My {key}: {value}.",
    i_am="I'm {name}.",
    my_name="My name is {name}.",
    you_are="You are {name}.",
    degrees=("low", "medium", "high"),
    yes_no=("yes", "no"),
    conjunction=" and ",
    months=(
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    day="on {day} {month} {year}",
    month="in {month} {year}",
    categories={},
    inflects=False,
    quoted="“{text}”",
    common=word_set(
        "the and of to in is was that it for with as on at be this have are not but had they from "
        "i my me user likes has loves prefers wants he she his her when who which about would an "
        "a by or were we you your been their always never often every usually works lives enjoys"
    ),
)  # fmt: skip
