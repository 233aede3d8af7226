"""The one registry of what can be done by key.

Each stage and each dialog has a group of actions here. From it come the bindings, the
cheat line, the command palette, the ``?`` help and the documentation, so that none of
them can drift from the others.

An action is an id that never changes (``curate.approve``), the key or keys it is
on, a word or two for the cheat line, and a sentence of help. The last part of the
id names the method that does it: ``curate.approve`` calls ``action_approve`` of
the screen, ``next-undecided`` calls ``action_next_undecided``. People put
actions on other keys in their settings::

    [keys]
    "curate.approve" = "y"
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textual.binding import Binding, BindingType

FRAME = "frame"
"""The group of actions that work on every stage; the app itself carries them out."""

STAGES: tuple[str, ...] = ("sources", "curate", "dataset", "train", "chat")
"""The modes of the app, in the order of their number keys."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done by key.

    Attributes:
        id: ``group.name``; stable, because settings name it.
        key: Textual's name of the key, or several with commas (``j,down``).
        label: A word or two for the cheat line.
        help: One sentence, ending without a full stop, for ``?`` and the palette.
        cheat: Whether the cheat line shows it. Its order is that of the registry,
            so put first what a newcomer needs first.
        priority: Whether the key works even while a text field has the focus.
    """

    id: str
    key: str
    label: str
    help: str
    cheat: bool = True
    priority: bool = False

    @property
    def group(self) -> str:
        """The group, which is a stage's mode, ``frame``, or a dialog."""
        return self.id.partition(".")[0]

    @property
    def method(self) -> str:
        """The name that Textual dispatches on: ``action_`` and this is the method."""
        return self.id.partition(".")[2].replace("-", "_")

    @property
    def keys(self) -> tuple[str, ...]:
        """The single keys."""
        return tuple(key.strip() for key in self.key.split(","))

    def binding(self) -> Binding:
        """Return the Textual binding of this action."""
        return Binding(
            self.key,
            self.method,
            self.label,
            show=self.cheat,
            priority=self.priority,
            tooltip=self.help,
            id=self.id,
        )


# Keys that work on every stage.
_FRAME = (
    Action("frame.sources", "1", "Sources", "Go to Sources: what examples are read from", False),
    Action("frame.curate", "2", "Curate", "Go to Curate: decide the examples one by one", False),
    Action("frame.dataset", "3", "Dataset", "Go to Dataset: freeze what was approved", False),
    Action("frame.train", "4", "Train", "Go to Train: make the model, and export it", False),
    Action("frame.chat", "5", "Chat", "Go to Chat: base and tuned side by side", False),
    Action("frame.help", "question_mark,f1", "keys", "Show the keys of this screen"),
    Action(
        "frame.command-palette", "ctrl+p", "palette", "Find anything that can be done by its name",
        False, priority=True,
    ),
    Action("frame.cheat", "ctrl+k", "hide this line", "Hide or show the line of keys", False),
    Action(
        "frame.suspend-process", "ctrl+z", "suspend", "Suspend finetui; fg in the shell resumes it",
        False,
    ),
    Action(
        "frame.quit", "ctrl+q", "leave", "Leave finetui; a run goes on by itself", False,
        priority=True,
    ),
)  # fmt: skip

# Keys of the Sources screen.
_SOURCES = (
    Action("sources.add", "a", "add", "Add a folder, a file or an address; it is detected"),
    Action("sources.scan", "s", "scan", "Read what changed in the source under the cursor"),
    Action("sources.options", "o", "settings", "Set how the source is read, and read it again"),
    Action("sources.scan-all", "S", "scan all", "Read what changed in every source", False),
    Action("sources.stop", "X", "stop scan", "Stop the scan that runs, and those that wait"),
    Action("sources.token", "t", "token", "Type the token that the source's app asks for"),
    Action("sources.swap-panes", "tab,w", "other pane", "Swap list and details when folded"),
    Action("sources.skips", "d", "skipped", "List what was not read, and why"),
    Action("sources.remove", "x", "remove", "Remove the source and its undecided examples"),
    Action("sources.demo", "g", "demo sources", "Start with the bundled demo sources"),
    Action("sources.down", "j,down", "down", "Next source", False),
    Action("sources.up", "k,up", "up", "Previous source", False),
    Action("sources.first", "home", "first", "First source", False),
    Action("sources.last", "end", "last", "Last source", False),
    Action("sources.scroll-down", "pagedown", "scroll", "Scroll the details down", False),
    Action("sources.scroll-up", "pageup", "scroll back", "Scroll the details up", False),
)

# Keys of the Curate screen.
_CURATE = (
    Action("curate.approve", "a", "approve", "Approve, and go to the next undecided"),
    Action("curate.reject", "r", "reject", "Reject, and go to the next undecided"),
    Action("curate.edit", "e", "edit", "Edit the text here"),
    Action("curate.skip", "s", "skip", "Leave it for later, and go to the next undecided"),
    Action("curate.undo", "u", "undo", "Undo the last decision or edit; again for earlier ones"),
    Action("curate.search", "slash", "search", "Find text in the queue"),
    Action("curate.filter", "f", "filter", "Choose which part of the queue is shown"),
    Action(
        "curate.near",
        "c",
        "near-duplicates",
        "Show the near-duplicates of the card, and decide them there",
    ),
    Action("curate.why", "i", "about it", "Show where the card comes from, its flags and measures"),
    Action("curate.tokens", "t", "tokens", "Show which tokens of the card are trained"),
    Action("curate.swap-panes", "tab,w", "queue", "Swap queue and card when folded"),
    Action("curate.next-undecided", "n", "next", "Go to the next undecided example"),
    Action("curate.editor", "E", "editor", "Edit the text in your editor"),
    Action("curate.redo", "U,ctrl+r", "redo", "Redo what was undone"),
    Action("curate.answers", "o", "other answers", "Show the other answers, and take one instead"),
    Action(
        "curate.versions",
        "v",
        "versions",
        "Compare an edit with the original, or older and newer text",
    ),
    Action("curate.question", "q", "question", "Let a model word the question of a note"),
    Action("curate.redact", "x", "redact", "Replace secrets and personal data by placeholders"),
    Action(
        "curate.redact-elsewhere",
        "X",
        "redact everywhere",
        "Redact the values of the last redaction in all other examples, too",
        False,
    ),
    Action("curate.check", "C", "check", "Check what is new or changed, or stop it", False),
    Action("curate.down", "j,down", "down", "Next example", False),
    Action("curate.up", "k,up", "up", "Previous example", False),
    Action("curate.page-down", "pagedown", "page", "Next page in the queue", False),
    Action("curate.page-up", "pageup", "page back", "Previous page in the queue", False),
    Action("curate.first", "home", "first", "First example of the queue", False),
    Action("curate.last", "end", "last", "Last example of the queue", False),
    Action("curate.card-down", "space,J", "scroll", "Scroll the card down", False),
    Action("curate.card-up", "K", "scroll back", "Scroll the card up", False),
    Action("curate.clear", "escape", "all", "Show the whole queue again", False),
)

# Keys of the Dataset screen.
_DATASET = (
    Action("dataset.freeze", "z", "freeze", "Freeze the approved examples as a dataset"),
    Action("dataset.export", "x", "export", "Write the dataset under the cursor in a format"),
    Action("dataset.preview", "t", "tokens", "Show which tokens of a row are trained"),
    Action("dataset.open", "enter", "open", "Show the dataset, or go to the refused example"),
    Action("dataset.leaks", "l", "leaks", "Measure how near held-out rows are to trained ones"),
    Action("dataset.swap-panes", "tab,w", "other pane", "Swap lists and numbers when folded"),
    Action(
        "dataset.check", "C", "check", "Check what is new or changed, or stop the checks", False
    ),
    Action("dataset.down", "j,down", "down", "Next line", False),
    Action("dataset.up", "k,up", "up", "Previous line", False),
    Action("dataset.scroll-down", "pagedown", "scroll", "Scroll the numbers down", False),
    Action("dataset.scroll-up", "pageup", "scroll back", "Scroll the numbers up", False),
)

# Keys of the Train screen.
_TRAIN = (
    Action(
        "train.new", "n,enter", "new run", "Choose dataset, base and hyperparameters, and start"
    ),
    Action("train.stop", "s", "stop", "Stop the job; a run that trains saves a checkpoint first"),
    Action("train.resume", "r", "resume", "Resume from the last checkpoint, or export again"),
    Action("train.export", "e", "export", "Merge, make GGUFs of base and tuned, and try them"),
    Action("train.ollama", "O", "Ollama", "Give an export to Ollama, or see what to paste", False),
    Action(
        "train.swap-panes", "tab,w", "other pane", "Swap the runs and the live view when folded"
    ),
    Action("train.charts", "c", "charts", "Show all charts side by side, or one again"),
    Action("train.samples", "a", "samples", "Show what the model answers at each evaluation"),
    Action("train.log", "l", "log", "Make the log larger, or small again"),
    Action("train.search", "slash", "search", "Find words in the log"),
    Action("train.compare", "space,v", "overlay", "Overlay this run on others, or take it off"),
    Action("train.pin", "p", "pin", "Pin this run: others are set against it, or let go of it"),
    Action("train.next-chart", "right_square_bracket", "next chart", "Show the next chart", False),
    Action(
        "train.previous-chart", "left_square_bracket", "previous chart", "Show the previous chart",
        False,
    ),
    Action("train.scale", "y", "log scale", "Draw y on a log scale, or linear again", False),
    Action(
        "train.share", "t", "x axis", "Draw x as the share of the run, or as steps again", False
    ),
    Action(
        "train.samples-before", "left", "earlier", "Show the samples of the previous step", False
    ),
    Action("train.samples-after", "right", "later", "Show the samples of the next step", False),
    Action("train.follow", "f", "follow", "Let the log follow its end, or stay where it is", False),
    Action("train.match", "m,f3", "next match", "Go to the next match in the log", False),
    Action(
        "train.match-before", "M,shift+f3", "previous match", "Go to the previous match in the log",
        False,
    ),
    Action("train.clear", "escape", "end search", "End the search in the log", False),
    Action("train.wrap", "W", "wrap", "Wrap long lines of the log, or cut them", False),
    Action("train.keep", "o", "organise", "Queue, name, note, clean, pack, import or remove runs"),
    Action("train.kill", "K", "kill", "End the job at once; what was not saved is lost"),
    Action("train.down", "j,down", "down", "Next run", False),
    Action("train.up", "k,up", "up", "Previous run", False),
    Action("train.first", "home", "first", "Newest run", False),
    Action("train.last", "end", "last", "Oldest run", False),
    Action("train.scroll-down", "pagedown", "scroll", "Scroll the log or the result down", False),
    Action("train.scroll-up", "pageup", "scroll back", "Scroll the log or the result up", False),
)  # fmt: skip

# Keys of the Chat screen.
_CHAT = (
    # Votes stand first: they are offered only when they can be given, and matter most then.
    Action("chat.left", "left", "A better", "Vote: A is better"),
    Action("chat.right", "right", "B better", "Vote: B is better"),
    Action("chat.tie", "up", "tie", "Vote: both are equally good"),
    Action("chat.both-bad", "down", "both bad", "Vote: neither is any good"),
    Action("chat.scroll-down", "pagedown", "read on", "Scroll both answers down, a page each"),
    Action("chat.stop", "escape", "stop", "Stop the answers, or leave the line"),
    Action("chat.reveal", "space", "reveal", "Show which side is which, and how fast it was"),
    Action("chat.send", "enter", "ask", "Ask what stands in the line, or go there to write"),
    Action("chat.write", "i", "write", "Write the next question in place of the last one"),
    Action("chat.next", "n", "next prompt", "Put the next prompt there, held-out ones first"),
    Action("chat.undo", "u", "take back", "Take back the last vote; again for the one before"),
    Action("chat.blind", "b", "blind", "Hide or show the sides, from the next conversation on"),
    Action("chat.models", "m", "models", "Choose run and quantisation"),
    Action(
        "chat.system", "s", "system prompt",
        "Change the system prompt of typed questions, or leave it out",
    ),
    Action("chat.serve", "S", "serve", "Let other programs ask a model: the workspace's server"),
    Action("chat.own", "o", "your answer", "Show what you wrote yourself to this prompt"),
    Action("chat.swap-panes", "tab,w", "larger", "Make A larger, then B, then both the same"),
    Action("chat.again", "R", "ask again", "Ask the same question with another seed"),
    Action("chat.new", "ctrl+l", "new conversation", "Start a new conversation"),
    Action(
        "chat.next-here", "ctrl+n", "next prompt", "The next prompt, also while writing", False,
        priority=True,
    ),
    Action("chat.scroll-up", "pageup", "back", "Scroll both answers up, to earlier turns", False),
    Action("chat.down", "j", "down", "Scroll both answers down a line", False),
    Action("chat.up", "k", "up", "Scroll both answers up a line", False),
    Action("chat.first", "home", "start", "Go to the start of both answers", False),
    Action("chat.last", "end", "end", "Go to the end of both answers", False),
)  # fmt: skip

# Keys that every dialog has.
_DIALOG = (
    Action("dialog.accept", "enter", "ok", "Do what the dialog says"),
    Action("dialog.cancel", "escape", "leave", "Close the dialog and change nothing"),
)

# Keys of the dialog that adds a source.
_ADD = (
    Action("add.complete", "tab", "complete", "Complete the path", priority=True),
    Action("add.down", "down", "next", "Next proposal", False),
    Action("add.up", "up", "previous", "Previous proposal", False),
    Action(
        "add.setup", "ctrl+o,f2", "kind and settings",
        "Choose the kind, and set how the source is read", priority=True,
    ),
    Action(
        "add.look", "ctrl+r", "read all", "Read the whole source for the counts below",
        False, priority=True,
    ),
    Action("add.scroll-down", "pagedown", "scroll", "Scroll the examples down", False),
    Action("add.scroll-up", "pageup", "scroll back", "Scroll the examples up", False),
)  # fmt: skip

# Keys of the dialog that edits an example.
_EDIT = (
    Action("edit.save", "ctrl+s", "save", "Save the text as an edit", priority=True),
    Action(
        "edit.original", "ctrl+r", "as extracted", "Put the text back as it was extracted",
        priority=True,
    ),
)  # fmt: skip

# Keys of the list of what was skipped.
_SKIPS = (
    Action("skips.reason", "right,f", "other reason", "Show only what has the next reason"),
    Action("skips.reason-before", "left", "previous reason", "Show the previous reason", False),
    Action("skips.down", "j,down", "down", "Next line"),
    Action("skips.up", "k,up", "up", "Previous line", False),
    Action("skips.page-down", "pagedown,space", "page", "Next page", False),
    Action("skips.page-up", "pageup", "page back", "Previous page", False),
    Action("skips.first", "home", "first", "First line", False),
    Action("skips.last", "end", "last", "Last line", False),
)

# Keys of the help dialog.
_HELP = (
    Action("help.close", "question_mark,f1", "close", "Close the list of keys"),
    Action("help.ids", "i", "names for settings", "Show the names by which settings name actions"),
    Action("help.scroll-down", "j,down", "down", "Scroll down"),
    Action("help.scroll-up", "k,up", "up", "Scroll up", False),
    Action("help.page-down", "pagedown,space", "page", "Scroll down a page", False),
    Action("help.page-up", "pageup", "page back", "Scroll up a page", False),
)

# Keys of dialogs with a list to choose from.
_CHOOSE = (
    Action("choose.mark", "space", "choose", "Choose the line, or take the choice back"),
    Action("choose.down", "j,down", "down", "Next line", False),
    Action("choose.up", "k,up", "up", "Previous line", False),
    Action("choose.page-down", "pagedown", "page", "Next page", False),
    Action("choose.page-up", "pageup", "page back", "Previous page", False),
    Action("choose.clear", "c", "clear", "Choose nothing: show everything"),
)

# Keys of a question.
_CONFIRM = (
    Action("confirm.yes", "y", "yes", "Do what is asked"),
    Action("confirm.no", "n", "no", "Leave everything as it is"),
)

# Keys of dialogs with a text to read.
_READ = (
    Action("read.down", "j,down", "down", "A line further"),
    Action("read.up", "k,up", "up", "A line back"),
    Action("read.page-down", "pagedown,space", "page", "Next page"),
    Action("read.page-up", "pageup", "page back", "Previous page", False),
    Action("read.next", "right,n", "next", "The next row"),
    Action("read.before", "left,p", "previous", "Previous row"),
    Action("read.view", "v", "view", "Show the text, the counts by turn, or the single tokens"),
    Action("read.length", "l", "length", "Try another max length"),
)

# Keys of dialogs in which one line is taken.
_PICK = (
    Action("pick.down", "j,down", "down", "Next line", False),
    Action("pick.up", "k,up", "up", "Previous line", False),
    Action("pick.page-down", "pagedown", "page", "Next page", False),
    Action("pick.page-up", "pageup", "page back", "Previous page", False),
)

# Keys of the dialog that chooses the models to chat with.
_PAIR = (
    Action("pair.weights", "s", "one base", "Load both files, or the base once for both sides"),
    Action("pair.down", "j,down", "down", "Next pair of models", False),
    Action("pair.up", "k,up", "up", "Previous pair of models", False),
    Action("pair.page-down", "pagedown", "page", "Next page", False),
    Action("pair.page-up", "pageup", "page back", "Previous page", False),
)

# Keys of the dialog that exports a run.
_QUANT = (
    Action("quant.mark", "space", "mark", "Mark a quantisation; all marked ones are made"),
    Action("quant.imatrix", "i", "imatrix", "Compute an importance matrix from the training text"),
    Action("quant.more", "o", "more", "Intermediate files, models folder, an app's own settings"),
    Action("quant.adapter", "a", "adapter", "Take the run's best adapter or its last"),
    Action("quant.down", "j,down", "down", "Next quantisation", False),
    Action("quant.up", "k,up", "up", "Previous quantisation", False),
    Action("quant.page-down", "pagedown", "page", "Next page", False),
    Action("quant.page-up", "pageup", "page back", "Previous page", False),
)

# Keys of the form with what else an export is told.
_WISHES = (
    Action("wishes.field", "tab,down", "next", "Next field", priority=True),
    Action(
        "wishes.field-before", "shift+tab,up", "previous", "Previous field", False, priority=True
    ),
    Action("wishes.later", "right", "next value", "Next value of a list", False),
    Action("wishes.earlier", "left", "previous value", "Previous value of a list", False),
)

# Keys of the dialog that changes the system prompt.
_SYSTEM = (
    Action("system.save", "ctrl+s", "use it", "Ask typed questions with this text", priority=True),
    Action(
        "system.frozen", "ctrl+r", "the dataset's", "Put the dataset's system prompt back",
        priority=True,
    ),
    Action(
        "system.clear", "ctrl+o", "leave out", "Ask typed questions without a system prompt",
        priority=True,
    ),
)  # fmt: skip

# Keys of the panel of the workspace's server.
_SERVE = (
    Action("serve.start", "s", "start", "Start a server with an exported model"),
    Action("serve.copy-token", "t", "copy token", "Copy the token that was made for this server"),
    Action(
        "serve.copy-lines", "e", "copy env",
        "Copy the lines that set OPENAI_BASE_URL and OPENAI_API_KEY",
    ),
    Action("serve.copy-curl", "c", "copy curl", "Copy a curl line that asks the server"),
    Action("serve.reload", "r", "reload", "Put another run or quantisation behind the address"),
    Action("serve.stop", "x", "stop", "Stop the server once it has answered what it has begun"),
    Action("serve.swap-panes", "tab,w", "other half", "Swap the two halves when folded"),
    Action("serve.copy-address", "a", "copy address", "Copy the server's address"),
    Action("serve.scroll-down", "j,down,pagedown", "down", "Scroll down", False),
    Action("serve.scroll-up", "k,up,pageup", "up", "Scroll up", False),
)  # fmt: skip

# Keys of the form that starts a run.
_FORM = (
    Action("form.start", "ctrl+s", "start", "Check the form and start the run", priority=True),
    Action("form.queue", "ctrl+o", "queue", "Start it when the device is free", priority=True),
    Action("form.next", "down,tab", "next field", "Next field", priority=True),
    Action(
        "form.before", "up,shift+tab", "previous field", "Previous field", False,
        priority=True,
    ),
    Action("form.later", "right", "next value", "Next value of a list", False),
    Action("form.earlier", "left", "previous value", "Previous value of a list", False),
    Action("form.reset", "ctrl+r", "preset", "Put the preset's values back", priority=True),
    Action(
        "form.fitting", "ctrl+f", "make it fit", "Take the nearest settings that fit",
        False, priority=True,
    ),
    Action(
        "form.probe", "ctrl+t", "probe", "Measure one step on the longest batch", False,
        priority=True,
    ),
    Action("form.dataset", "3", "Dataset", "Go to Dataset, where there is no dataset yet", False),
)  # fmt: skip

# Keys of dialogs with a few fields.
_FIELDS = (
    Action("fields.next", "down,tab", "next field", "Next field", priority=True),
    Action(
        "fields.before", "up,shift+tab", "previous field", "Previous field", False, priority=True
    ),
    Action("fields.later", "right", "next value", "Next value of a list", False),
    Action("fields.earlier", "left", "previous value", "Previous value of a list", False),
)  # fmt: skip

# Keys of the dialog that exports a dataset.
_WRITE = (
    Action("write.next", "down", "format", "Next format", priority=True),
    Action("write.before", "up", "previous format", "Previous format", False, priority=True),
    Action("write.field", "tab", "next field", "Next field", priority=True),
    Action(
        "write.field-before", "shift+tab", "previous field", "Previous field", False, priority=True
    ),
    Action("write.later", "right", "next value", "Next value of a list", False),
    Action("write.earlier", "left", "previous value", "Previous value of a list", False),
)  # fmt: skip

# Keys of the form that says how a source is read.
_SETUP = (
    Action("setup.next", "down,tab", "next field", "Next field", priority=True),
    Action(
        "setup.before", "up,shift+tab", "previous field", "Previous field", False,
        priority=True,
    ),
    Action("setup.later", "right", "next value", "Next value of a list", False),
    Action("setup.earlier", "left", "previous value", "Previous value of a list", False),
    Action(
        "setup.values", "ctrl+l", "list", "List the values that the field can have",
        priority=True,
    ),
    Action(
        "setup.look", "ctrl+r", "read all", "Read the whole source for the counts below",
        priority=True,
    ),
    Action("setup.scroll-down", "pagedown", "scroll", "Scroll the examples down", False),
    Action("setup.scroll-up", "pageup", "scroll back", "Scroll the examples up", False),
)  # fmt: skip

# Keys of the list of other answers.
_ANSWERS = (
    Action("answers.down", "j,down", "next", "Next answer"),
    Action("answers.up", "k,up", "previous", "Previous answer", False),
    Action("answers.scroll-down", "space,pagedown", "scroll", "Scroll the answer down"),
    Action("answers.scroll-up", "pageup", "scroll back", "Scroll the answer up", False),
)

# Keys of the dialog that shows two versions.
_VERSIONS = (
    Action("versions.other", "right", "other texts", "Compare the next two texts"),
    Action("versions.other-back", "left", "previous texts", "Compare the previous two", False),
    Action("versions.down", "j,down", "down", "A line further in both", False),
    Action("versions.up", "k,up", "up", "A line back in both", False),
    Action("versions.scroll-down", "space,pagedown", "scroll", "Scroll both down"),
    Action("versions.scroll-up", "pageup", "scroll back", "Scroll both up", False),
)

# Keys of texts to be read: settings, doctor.
_REPORT = (
    Action("report.scroll-down", "j,down", "down", "Scroll down"),
    Action("report.scroll-up", "k,up", "up", "Scroll up", False),
    Action("report.page-down", "pagedown,space", "page", "Scroll down a page", False),
    Action("report.page-up", "pageup", "page back", "Scroll up a page", False),
)

# Keys of the dialog that asks whether a workspace is trusted.
_TRUST = (
    Action("trust.yes", "y", "trust it", "Use what the workspace names, now and later"),
    Action("trust.without", "n", "open without", "Open it with your own or the default values"),
    Action("trust.leave", "q", "leave", "Leave finetui"),
    Action("trust.scroll-down", "j,down", "down", "Scroll down", False),
    Action("trust.scroll-up", "k,up", "up", "Scroll up", False),
    Action("trust.page-down", "pagedown", "page", "Scroll down a page", False),
    Action("trust.page-up", "pageup", "page back", "Scroll up a page", False),
)

# Keys of the dialog that says why an example is flagged.
_WHY = (
    Action("why.down", "j,down", "down", "Next finding"),
    Action("why.up", "k,up", "up", "Previous finding", False),
    Action("why.page-down", "pagedown", "page", "Next page", False),
    Action("why.page-up", "pageup", "page back", "Previous page", False),
    Action("why.scroll-down", "space", "scroll", "Scroll what is said of it down"),
    Action("why.scroll-up", "K", "scroll back", "Scroll what is said of it up", False),
)

# Keys of the dialog that shows near-duplicates.
_NEAR = (
    Action("near.approve", "a", "approve", "Approve the example under the cursor"),
    Action("near.reject", "r", "reject", "Reject the example under the cursor"),
    Action("near.skip", "s", "skip", "Leave the example under the cursor for later", False),
    Action("near.undo", "u", "undo", "Undo the last decision that was made here"),
    Action("near.best", "b", "best", "Keep the best and reject its duplicates"),
    Action("near.farther", "left", "less", "Lower the similarity that is asked for"),
    Action("near.nearer", "right", "more", "Raise the similarity that is asked for"),
    Action("near.down", "j,down", "down", "Next example", False),
    Action("near.up", "k,up", "up", "Previous example", False),
    Action("near.scroll-down", "space,pagedown", "scroll", "Scroll both texts down", False),
    Action("near.scroll-up", "pageup", "scroll back", "Scroll both texts up", False),
)

_TABLE: dict[str, tuple[Action, ...]] = {
    "frame": _FRAME,
    "sources": _SOURCES,
    "curate": _CURATE,
    "dataset": _DATASET,
    "train": _TRAIN,
    "chat": _CHAT,
    "dialog": _DIALOG,
    "add": _ADD,
    "edit": _EDIT,
    "skips": _SKIPS,
    "help": _HELP,
    "choose": _CHOOSE,
    "confirm": _CONFIRM,
    "read": _READ,
    "pick": _PICK,
    "pair": _PAIR,
    "quant": _QUANT,
    "wishes": _WISHES,
    "system": _SYSTEM,
    "serve": _SERVE,
    "form": _FORM,
    "fields": _FIELDS,
    "write": _WRITE,
    "setup": _SETUP,
    "answers": _ANSWERS,
    "versions": _VERSIONS,
    "report": _REPORT,
    "trust": _TRUST,
    "why": _WHY,
    "near": _NEAR,
}

GROUPS: tuple[str, ...] = tuple(_TABLE)
"""Every group: the frame, the stages, and the dialogs."""

DIALOGS: tuple[str, ...] = GROUPS[1 + len(STAGES) :]
"""Groups of actions that work in dialogs."""


def actions(group: str) -> tuple[Action, ...]:
    """Return the actions of a group, in the order in which they are shown."""
    return _TABLE[group]


def bindings(*groups: str) -> list[BindingType]:
    """Return the bindings of groups, for a ``BINDINGS`` class variable."""
    return [action.binding() for group in groups for action in actions(group)]


def all_actions() -> Iterator[Action]:
    """Yield every action of the app."""
    for group in GROUPS:
        yield from actions(group)
