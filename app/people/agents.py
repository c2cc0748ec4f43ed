"""What a browser calls itself, in two words."""

from __future__ import annotations

from studio.words import Message, msg, verbatim

# Browsers name those they descend from as well, so the younger ones come first.
_BROWSERS = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def describe_agent(agent: str) -> Message:
    """``Firefox on Windows`` from a ``User-Agent`` header; what is not known is left out."""
    name = _first(_BROWSERS, agent)
    browser = verbatim(name) if name else msg("Unknown browser")
    system = _first(_SYSTEMS, agent)
    return msg("{browser} on {system}", browser=browser, system=system) if system else browser


def _first(names: dict[str, str], agent: str) -> str:
    return next((name for mark, name in names.items() if mark in agent), "")
