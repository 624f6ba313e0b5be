"""A table of words and numbers, wherever it is shown: page, terminal, notebook, model card."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup, escape


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A table as text.

    Args:
        columns: The headings.
        rows: As many cells each; the first names the row.
        title: Above the table, where it is not alone in its section.
        caption: What to know to read it, a sentence or two.
        marked: The place of the row to set off.
        tags: A word or two beside the names of rows, by their places.
        words: The places of columns that hold words and not numbers, besides the first.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    caption: str = ""
    marked: int | None = None
    tags: Mapping[int, str] = field(default_factory=dict)
    words: tuple[int, ...] = ()

    def named(self) -> tuple[tuple[str, ...], ...]:
        """The rows with the tags in their names: `61 best`."""
        return tuple(
            (f"{name} {self.tags[place]}" if place in self.tags else name, *cells)
            for place, (name, *cells) in enumerate(self.rows)
        )

    def to_html(self) -> Markup:
        """The table for a notebook, which has styles of its own; all text is escaped."""
        head = Markup("").join(self._cell("th", n, text) for n, text in enumerate(self.columns))
        body = Markup("").join(
            Markup("<tr{}>{}</tr>").format(
                Markup(' style="font-weight: bold"') if place == self.marked else "",
                Markup("").join(self._cell("td", n, text) for n, text in enumerate(cells)),
            )
            for place, cells in enumerate(self.named())
        )
        title = Markup("<strong>{}</strong>").format(self.title) if self.title else ""
        above = Markup("<br>").join(filter(None, (title, self.caption)))
        return Markup(
            '<table><caption style="caption-side: top; text-align: left">{}</caption>'
            "<thead><tr>{}</tr></thead><tbody>{}</tbody></table>"
        ).format(above, head, body)

    def to_markdown(self) -> str:
        """The table as Markdown, without title and caption."""
        sides = ["---" if n == 0 or n in self.words else "---:" for n in range(len(self.columns))]
        lines = [self.columns, sides, *self.named()]
        cells = ((cell.replace("|", r"\|") for cell in line) for line in lines)
        return "\n".join(f"| {' | '.join(line)} |" for line in cells)

    def _cell(self, tag: str, place: int, text: str) -> Markup:
        side = "left" if place == 0 or place in self.words else "right"
        return Markup(f'<{tag} style="text-align: {side}">') + escape(text) + Markup(f"</{tag}>")
