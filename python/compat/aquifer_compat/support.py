"""Tables of what the packages do of the interfaces that they stand for, and their page.

A row is (part, name, verdict, sentence). Verdicts: "does"; "ignored": accepted, without effect and
without consequence; "warns": accepted, and a line says once what is not there; "refuses": answers
the code, status or exception that the sentence names.

`python -m aquifer_compat.support PAGE` writes the tables between the marks of PAGE.
"""

import sys
from collections import namedtuple
from pathlib import Path

DOES, IGNORED, WARNS, REFUSES = "does", "ignored", "warns", "refuses"

Row = namedtuple("Row", "part name verdict sentence")

BEGIN = "<!-- tables: written by ./dev docs -->\n"
END = "<!-- end of tables -->\n"


def rows(part, verdict, text):
    """Rows of lines "name | sentence"."""
    for line in text.strip().splitlines():
        name, _, sentence = line.strip().partition(" | ")
        yield Row(part, name.strip(), verdict, sentence.strip())


def table(title, all_rows):
    """Markdown: one table for each part, in the order of the rows."""
    parts = {}
    for row in all_rows:
        parts.setdefault(row.part, []).append(row)
    lines = [f"## {title}", ""]
    for part, its in parts.items():
        lines += [f"### {part}", "", "| name | | what |", "| --- | --- | --- |"]
        for row in its:
            name = row.name.replace("|", "\\|")
            sentence = row.sentence.replace("|", "\\|")
            lines.append(f"| `{name}` | {row.verdict} | {sentence} |")
        lines.append("")
    return "\n".join(lines) + "\n"


def with_tables(page):
    """The text of a page with its tables as they are now."""
    from aquifer_compat import memcache_support, mooncake_support

    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "".join([before, BEGIN, "\n", table("What memcache_hybrid does", memcache_support.ROWS),
                    table("What mooncake does", mooncake_support.ROWS), END, after])


def main(arguments):
    page = Path(arguments[0])
    page.write_text(with_tables(page.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
