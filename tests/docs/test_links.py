"""Links lead somewhere: between pages, to headings, and from the code to the sections it names."""

import re
from pathlib import Path

from tests.docs.pages import ROOT, anchors_of, links_of, pages, text_of
from tests.tidy.repository import python_files

OUTSIDE = ("https://", "http://", "mailto:")
#: "docs/kpis.md, section Counts", "sections 1 and 2", 'section "Members"'
REFERENCE = re.compile(
    r"(?P<page>\bdocs/[\w/.-]+\.md|\bdocs/[a-z]+\b(?![/.\w]))"
    r"(?:, sections? (?P<sections>\"[^\"]+\"|\d[\d, andto]*\d|\d|[A-Z]\w+(?: [a-z]+\b)*(?: and [A-Z]\w+)?))?"
)


def test_every_link_leads_to_a_file_that_exists() -> None:
    """A reader who is sent nowhere does not come back."""
    links = [(page, link) for page in pages() for link in links_of(page) if not link.startswith((*OUTSIDE, "#"))]
    assert len(links) > 50, "hardly any links are found: are they written as the tests read them?"
    broken = [f"{page}: {link}" for page, link in links if not (ROOT / page.parent / link.split("#")[0]).exists()]
    assert broken == []


def test_every_link_to_a_heading_finds_it() -> None:
    """Browsers show the top of the page instead, and nobody is told."""
    broken = []
    for page in pages():
        for link in links_of(page):
            path, _, anchor = link.partition("#")
            if not anchor or link.startswith(OUTSIDE) or (path and not path.endswith(".md")):
                continue
            target = (ROOT / page.parent / path).resolve().relative_to(ROOT) if path else page
            if anchor not in anchors_of(target):
                broken.append(f"{page}: {link}")
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that nothing links to is found by nobody."""
    reached, waiting = set[Path](), [Path("README.md")]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in links_of(page):
            path = link.split("#")[0]
            if path.endswith(".md") and not link.startswith(OUTSIDE):
                waiting.append((ROOT / page.parent / path).resolve().relative_to(ROOT))
    lost = {page for page in set(pages()) - reached if page.parts[0] not in ("grafana", "changelog.d")}
    assert sorted(str(page) for page in lost) == []


def test_code_that_names_a_page_and_a_section_is_right() -> None:
    """A docstring says where its truth is; one that points nowhere says that there is none."""
    found, broken = 0, []
    for file in python_files():
        if file.path.parts[:2] == ("tests", "docs"):
            continue
        for reference in REFERENCE.finditer(" ".join(file.text.split())):
            found += 1
            page = reference["page"]
            if not (ROOT / page).exists():
                broken.append(f"{file.path}: {page}")
            elif reference["sections"]:
                broken += [
                    f"{file.path}: {page}, section {section}"
                    for section in sections_in(reference["sections"])
                    if not has_section(page, section)
                ]
    assert found > 30, "hardly any references are found: are they written as the tests read them?"
    assert broken == []


def sections_in(text: str) -> list[str]:
    """Return the sections that a reference names: "1 to 4" is four of them."""
    text = text.strip().strip('"')
    if span := re.fullmatch(r"(\d) to (\d)", text):
        return [str(number) for number in range(int(span[1]), int(span[2]) + 1)]
    if re.match(r"\d", text):
        return re.findall(r"\d", text)
    return re.split(r" and (?=[A-Z])", text)


def has_section(page: str, section: str) -> bool:
    """Whether a page has a heading of that name or number; the name may go on."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), flags=re.MULTILINE)
    plain = [re.sub(r"^\d+\. ", "", heading) for heading in headings]
    numbers = [heading.split(".")[0] for heading in headings if re.match(r"\d+\. ", heading)]
    return section in numbers or any(section == name or section.startswith(f"{name} ") for name in plain)


def test_references_are_read_as_people_read_them() -> None:
    """The rule above would hold for any code if it recognised no section."""
    said = REFERENCE.search("Definitions: docs/definitions.md, sections 1 to 4; docs/report.md.")
    assert said is not None
    assert (said["page"], sections_in(said["sections"])) == ("docs/definitions.md", ["1", "2", "3", "4"])
    assert sections_in("Counts and Ratios") == ["Counts", "Ratios"]
    assert has_section("docs/definitions.md", "Subscriptions and customers")
    assert not has_section("docs/definitions.md", "9")
    assert not has_section("docs/kpis.md", "Nothing of this name")
