"""Installation of sse_nmt."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "sse_nmt/__init__.py").read_text(encoding="utf-8"), re.M)
assert VERSION is not None

setup(
    name="sse_nmt",
    version=VERSION[1],
    description="Stochastic Shared Embeddings for neural machine translation with fairseq and PyTorch",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["sse_nmt", "sse_nmt.*"]),
    install_requires=[
        "torch>=2.6,<2.14",
        "ve-fairseq==0.12.3",
        "sacrebleu>=2.4",
        "scipy>=1.11",
        "sentencepiece>=0.2",
        "ctranslate2>=4.5",
        "matplotlib>=3.8",
        "tqdm>=4.66",
        "lxml>=5",
    ],
    extras_require={
        "graphs": ["sil-thot>=3.5", "simplemma>=2"],
        "tensorboard": ["tensorboardX>=2.6"],
        "test": ["pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "ruff", "mypy"],
    },
    entry_points={"console_scripts": ["sse-nmt = sse_nmt.cli:main"]},
)
