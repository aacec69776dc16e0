"""Pages lead to where they say, and README.md names the commands and templates that there are."""

import re
from collections import Counter
from pathlib import Path

import pytest

from evpn.cli.main import COMMANDS
from evpn.config.render import names

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "labs").glob("*/README.md"))]

LINK = re.compile(r"\]\((?!https?://)([^)\s]*)\)")
PICTURE = re.compile(r"(?<=src=\")(?!https?://)[^\"]+")
CODE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    return CODE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Of its headings, as GitHub makes them: the second of one name has a number."""
    found: set[str] = set()
    seen: Counter[str] = Counter()
    for heading in re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in [*LINK.findall(prose(page)), *PICTURE.findall(prose(page))]:
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def test_links_are_found() -> None:
    assert "docs/failures.md#hostile-input" in LINK.findall(prose(README))
    assert "hostile-input" in anchors(ROOT / "docs/failures.md")


def rows() -> dict[str, str]:
    """Of the table of commands: command -> the rest of its row."""
    section = README.read_text().partition("\n## Commands\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `evpn (\w+)[^|]*(?:\\\|[^|]*)*\|(.*)\|$", section, re.MULTILINE))


def test_every_command_has_a_row_and_every_row_a_command() -> None:
    assert rows().keys() == COMMANDS.keys()


def test_every_template_is_named() -> None:
    assert sorted(re.findall(r"`([a-z-]+)`", rows()["render"])) == names()
