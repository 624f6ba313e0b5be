"""Hooks of MkDocs: pages that link out of `docs/`, a list of the decisions, and the API reference.

GitHub shows `docs/` as it is, with links such as `../benchmarks/draws.md`. The site has each file
that is linked from a page, and from those in turn, at its path below `repository/`; links are
rewritten to there.
"""

import ast
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
DECISIONS = DOCS / "decisions"
LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what is linked to from outside of `docs/`, and the pages that are generated."""
    generated = {"api.md": api(), "decisions/index.md": decisions()}
    for uri, content in generated.items():
        files.append(File.generated(config, uri, content=content))
    unread = [DOCS / file.src_uri for file in files.documentation_pages()]
    unread = [*filter(Path.exists, unread), ROOT / "README.md", ROOT / "CHANGELOG.md"]
    known = {uri_of(path) for path in unread} | generated.keys()
    while unread:
        path = unread.pop()
        if path.suffix == ".py" or path.is_dir():
            files.append(File.generated(config, uri_of(path), content=listing(path)))
        elif not path.is_relative_to(DOCS):
            files.append(File.generated(config, uri_of(path), abs_src_path=str(path)))
        for target in targets(path):
            if uri_of(target) not in known:
                known.add(uri_of(target))
                unread.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrites links to files of the repository to where they are on the site."""
    if page.file.abs_src_path is None:
        return markdown
    source = Path(page.file.abs_src_path)
    here = posixpath.dirname(page.file.src_uri)

    def rewritten(link: re.Match[str]) -> str:
        target = (source.parent / link[0]).resolve()
        return posixpath.relpath(uri_of(target), here) if target.exists() else link[0]

    return LINK.sub(rewritten, markdown)


def targets(page: Path) -> list[Path]:
    """Files and folders of the repository that a page links to; of a folder, its files."""
    if page.is_dir():
        return [file for file in page.iterdir() if file.is_file()]
    if page.suffix != ".md":
        return []
    links = LINK.findall(page.read_text("utf-8"))
    return [target for link in links if (target := (page.parent / link).resolve()).exists()]


def uri_of(path: Path) -> str:
    """Where a file of the repository is on the site; of a folder its list, of a script its page."""
    inside = path.is_relative_to(DOCS)
    uri = path.relative_to(DOCS if inside else ROOT).as_posix()
    page = "/index.md" if path.is_dir() else ".md" if path.suffix == ".py" else ""
    return ("" if inside else "repository/") + uri + page


def listing(path: Path) -> str:
    """A page that shows a script, or the files of a folder."""
    if path.is_file():
        return f"# {path.name}\n\n```python\n{path.read_text('utf-8')}```\n"
    here = posixpath.dirname(uri_of(path))
    links = {f.name: posixpath.relpath(uri_of(f), here) for f in sorted(targets(path))}
    items = "\n".join(f"- [{name}]({link})" for name, link in links.items())
    return f"# {path.relative_to(ROOT).as_posix()}\n\n{items}\n"


def decisions() -> str:
    """The list of the decision records, by their titles."""
    lines = ["# Decisions", "", "Choices that others could make otherwise, with their reasons.", ""]
    for record in sorted(DECISIONS.glob("[0-9]*.md")):
        title = record.read_text("utf-8").splitlines()[0].removeprefix("# ")
        lines.append(f"- [{title}]({record.name})")
    return "\n".join(lines) + "\n"


def api() -> str:
    """The reference: every public name, functions before classes."""
    tree = ast.parse((ROOT / "asymnas" / "__init__.py").read_text("utf-8"))
    (names,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    lines = ["# API", "", "What `import asymnas` offers. A change of these is in the changelog."]
    fields = "The fields of configurations, such as `StudyConfig`, are the [options](options.md)."
    for title, begins, note in (("Functions", str.islower, ""), ("Classes", str.isupper, fields)):
        lines += ["", f"## {title}", "", note]
        for name in sorted(names):
            if begins(name[0]):
                lines += ["", f"::: asymnas.{name}"]
    return "\n".join(lines) + "\n"
