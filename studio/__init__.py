"""The imaging core: pixels in, pixels out. Knows no database, no web and no queue."""

from importlib.metadata import version

__version__ = version("darkroom")
