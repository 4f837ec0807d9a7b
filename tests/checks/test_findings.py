"""The table of findings is whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from multi_tenant import checks
from multi_tenant.checks import findings
from multi_tenant.checks.findings import FINDINGS, finding

SOURCES = Path(checks.__file__).parent


def test_each_id_is_used_and_each_used_one_is_in_the_table() -> None:
    used = [name for source in SOURCES.glob("*.py") for name in re.findall(r'"([EW]\d{3})"(?!:)', source.read_text())]
    assert set(used) == set(FINDINGS)


def test_the_table_lists_no_id_twice() -> None:
    listed = re.findall(r'^    "([EW]\d{3})":', Path(findings.__file__).read_text(), re.MULTILINE)
    assert listed == sorted(set(listed), key=listed.index)


@pytest.mark.parametrize("name", FINDINGS)
def test_each_finding_is_a_sentence_with_a_cure(name: str) -> None:
    text, cure = FINDINGS[name]
    assert text.endswith(".")
    assert cure
    facts = {fact: "x" for part in (text, cure) for fact in re.findall(r"{(\w+)", part)}
    message = finding(name, **facts)
    assert message.is_serious() == name.startswith("E")
