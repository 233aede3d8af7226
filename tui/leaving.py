"""What is said when finetui is left, of what goes on without it."""

from __future__ import annotations

from tui.messages import Job, Server
from tui.widgets.words import one_line


def goes_on(job: Job | None, server: Server | None) -> list[str]:
    """Return a line for the running job and for the server, where there is one.

    Args:
        job: The job that the title line shows.
        server: The server that it shows.
    """
    lines = []
    if job is not None and job.active:
        far = f", {job.progress}" if job.progress else ""
        lines.append(f"{job.name} goes on{far}; open finetui again to watch it.")
    if server is not None and not server.elsewhere:
        model = f" of {one_line(server.model)}" if server.model else ""
        at = f" at {one_line(server.url)}" if server.url else ""
        lines.append(f"The server{model} goes on{at}; finetui serve --stop ends it.")
    return lines
