"""The stand-alone verifier, one file that anybody may take along; `PATH` is where it stands."""

from pathlib import Path

PATH = Path(__file__).with_name("motmoi_check.py")
