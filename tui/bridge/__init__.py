"""Between the screens and the engine: blocking calls in threads, and pollers that post messages.

Nothing else in ``tui`` starts a thread. What runs in one is engine code or a
function of this package, which knows no widget; results come back to the event
loop, awaited by an async worker or posted as a message.
"""
