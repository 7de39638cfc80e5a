"""The documents are whole: links lead somewhere, every setting and command is told of, nothing foreign is named."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from bursar.cli import app
from bursar.commands import output
from bursar.settings import VARIABLE_PREFIX, Settings

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
DOCUMENTS = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)

README_LINES_MAX = 120
ARCHITECTURE_LINES_MAX = 220
DECISION_LINES_MAX = 45
DECISION_HEADINGS = ["Context", "Decision", "Rejected", "Consequences", "Evidence"]

# Documents speak of the product only: not of how it came to be, nor of the machine it was made on.
FORBIDDEN = [
    r"/work\b",
    r"/root\b",
    r"\.\./shared",
    r"\bpypi\.org",
    r"pythonhosted",
    r"registry\.npmjs",
    r"\bnpmjs\b",
    r"proxy\.golang",
    r"\b(?:claude|anthropic|copilot|chatgpt|openai)\b",
    r"\bAI (?:agent|assistant|session)",
    r"\b(?:issue|ticket|pull request) #?\d",
    r"\b(?:agent|session)s? (?:wrote|made|of the project)",
    r"\bTODO\b|\bFIXME\b",
    r"\b(?:blazing|seamless|cutting-edge|world-class|revolutionary)",
]
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u26ff\u2705\u274c\u2728\U0001f1e6-\U0001f1ff]")

_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def prose(document: Path) -> str:
    return _FENCED.sub("", document.read_text(encoding="utf-8"))


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


def anchors(document: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for found in _LINK.finditer(prose(document)):
        target, _, anchor = found["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        linked = (document.parent / target).resolve() if target else document
        assert linked.is_relative_to(ROOT), f"{found[0]} leads out of the checkout"
        assert linked.exists(), f"{found[0]} leads nowhere"
        assert not anchor or anchor in anchors(linked), f"{found[0]}: there is no such heading"


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_nothing_foreign_is_named(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for pattern in FORBIDDEN:
        found = re.search(pattern, text, re.IGNORECASE)
        assert found is None, f"{found[0]!r} is not for readers"
    assert EMOJI.search(text) is None


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document in reached:
            continue
        reached.add(document)
        targets = (found["target"].partition("#")[0] for found in _LINK.finditer(prose(document)))
        waiting += [
            linked
            for target in targets
            if target.endswith(".md") and (linked := (document.parent / target).resolve()).exists()
        ]
    numbered = set(DECISIONS)  # whoever finds one finds all
    assert set(DOCUMENTS) - reached - numbered == set()


@pytest.mark.parametrize("name", Settings.__struct_fields__)
def test_every_setting_is_in_the_production_guide(name: str) -> None:
    row = f"| `{name}` | `{VARIABLE_PREFIX}{name.upper()}` |"
    assert row in (GUIDES / "production.md").read_text(encoding="utf-8")


def test_the_production_guide_knows_no_setting_that_is_not_there() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `BURSAR_", (GUIDES / "production.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == sorted(rows, key=rows.index)
    assert set(rows) == set(Settings.__struct_fields__)


@pytest.mark.parametrize("name", Settings.__struct_fields__)
def test_the_defaults_in_the_production_guide_are_true(name: str) -> None:
    guide = (GUIDES / "production.md").read_text(encoding="utf-8")
    told = re.search(rf"^\| `{name}` \| `\w+` \| (?P<default>[^|]+) \|", guide, re.MULTILINE)
    assert told is not None
    default = getattr(Settings(), name)
    shown = {True: "`true`", False: "`false`", None: "none", "": "required"}.get(default, f"`{default}`")
    if name == "trusted_proxies":  # empty by default, and not required
        shown = "none"
    if isinstance(default, int) and not isinstance(default, bool):
        shown = f"`{default}`"
    assert told["default"] == shown


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command as it is typed, with its options."""
    pending = [("bursar", typer.main.get_command(app))]
    while pending:
        name, command = pending.pop()
        inner = getattr(command, "commands", None)
        if inner is not None:
            pending += [(f"{name} {word}", subcommand) for word, subcommand in inner.items()]
            continue
        options = [spelling for parameter in command.params for spelling in parameter.opts + parameter.secondary_opts]
        yield name, [option for option in options if option.startswith("--") and option != "--help"]


@pytest.mark.parametrize(
    ("command", "options"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_and_option_is_in_the_guide(command: str, options: list[str]) -> None:
    guide = (GUIDES / "command-line.md").read_text(encoding="utf-8")
    sections = [section for section in re.split(r"^## ", guide, flags=re.MULTILINE) if f"`{command}`" in section[:200]]
    assert len(sections) == 1, f"{command} has no section of its own"
    for option in options:
        assert re.search(rf"`{option}[ `]", sections[0]), f"{command} {option} is not told of"


def test_every_exit_code_is_in_the_guide() -> None:
    guide = (GUIDES / "command-line.md").read_text(encoding="utf-8")
    codes = sorted(value for name, value in vars(output).items() if name.startswith("EXIT_"))
    assert codes == [1, 2, 3, 4]
    for code in (0, *codes):
        assert f"\n| {code} | " in guide


def test_every_make_target_is_in_the_contributors_page() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [target for target in targets if target != "help" and f"`make {target}`" not in page] == []


@pytest.mark.parametrize("record", DECISIONS, ids=named)
def test_a_decision_record_has_its_headings_and_is_short(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    number = int(record.name.partition("-")[0])
    assert text.startswith(f"# {number}. ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == DECISION_HEADINGS
    assert len(text.splitlines()) <= DECISION_LINES_MAX


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [int(record.name.partition("-")[0]) for record in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize(
    ("document", "lines_max"), [("README.md", README_LINES_MAX), ("docs/ARCHITECTURE.md", ARCHITECTURE_LINES_MAX)]
)
def test_what_is_read_first_is_short(document: str, lines_max: int) -> None:
    assert len((ROOT / document).read_text(encoding="utf-8").splitlines()) <= lines_max


def test_the_readme_says_what_it_is_not() -> None:
    assert "compatible with the official Stripe SDKs, not affiliated with Stripe" in prose(ROOT / "README.md").replace(
        "\n", " "
    )


def test_the_files_that_the_architecture_names_are_there() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    files = set(re.findall(r"`((?:http|store|events|customers|accounts|kit)/\w+\.py)`", text))
    assert len(files) > 10
    assert [file for file in files if not (ROOT / "src" / "bursar" / file).is_file()] == []
