"""The real means of breaking things on one Linux host, with nothing but the standard library.

Nothing here imports anything else of this project, so that the package can be sent to a host that
has a Python and nothing more. Its programs (`nemesis.host.agent`) are told what to do line by line,
and undo everything when the line goes silent: a harness that is killed leaves nothing in force.
"""
