"""The browser that the tests of pages share."""

from collections.abc import Iterator

import pytest

from tests.gallery.browser import Browser, found


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    if found() is None:
        pytest.skip("no Chromium on this machine: the page is not looked at (Debian: apt-get install chromium)")
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()
