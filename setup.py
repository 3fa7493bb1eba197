"""For tools that ask for it; all that is to be said stands in pyproject.toml."""

from setuptools import setup

setup()
