from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from inbox_web.security import limiter
from tests.web.office import Browser, Office


@pytest.fixture(scope="session")
def _furnished(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One furnished office, made once and copied for every test."""
    folder = tmp_path_factory.mktemp("office")
    shutil.copyfile(_sqlite_template, folder / "motmoi.db")
    office = Office(f"sqlite:///{folder / 'motmoi.db'}", folder)
    office.furnish()
    office.close()
    return folder


@pytest.fixture
def office(_furnished: Path, tmp_path: Path) -> Iterator[Office]:
    folder = tmp_path / "office"
    shutil.copytree(_furnished, folder)
    office = Office(f"sqlite:///{folder / 'motmoi.db'}", folder)
    yield office
    office.close()


@pytest.fixture(scope="session")
def _app(_furnished: Path) -> Iterator[Flask]:
    office = Office(f"sqlite:///{_furnished / 'motmoi.db'}", _furnished)
    yield office.app()
    office.close()


@pytest.fixture
def app(office: Office, _app: Flask) -> Flask:
    """One application for all tests, over the office at hand: to make one takes longer than most pages."""
    _app.extensions["motmoi"] = office.services
    limiter.reset()
    return _app


@pytest.fixture
def stranger(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def person(app: Flask) -> Callable[[str], Browser]:
    def signed_in(login: str) -> Browser:
        browser = Browser(app.test_client())
        assert browser.sign_in(login).status_code == 303
        return browser

    return signed_in


@pytest.fixture
def lan(person: Callable[[str], Browser]) -> Browser:
    return person("lan")


@pytest.fixture
def minh(person: Callable[[str], Browser]) -> Browser:
    return person("minh")


@pytest.fixture
def hue(person: Callable[[str], Browser]) -> Browser:
    return person("hue")


@pytest.fixture
def admin(person: Callable[[str], Browser]) -> Browser:
    return person("quan-tri")
