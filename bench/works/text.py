"""Snapshot, text: nvarchar and nvarchar(max) in many scripts; one body in a thousand is long."""

import random

from bench.works.snapshot import Snapshot, insert_literals
from demo.load import text_of
from tests.support.literals import literal


def rows(count):
    """Texts of literals. Some hundred different texts are enough: nobody here compresses over rows."""
    chooser = random.Random(1)
    titles = [literal(text_of(chooser, chooser.randint(1, 6))) for _ in range(499)]
    notes = ["NULL"] + [literal(text_of(chooser, chooser.randint(3, 12))) for _ in range(302)]
    bodies = [literal(text_of(chooser, chooser.randint(5, 60))) for _ in range(996)]
    bodies.append(literal(text_of(chooser, 3000)))
    for number in range(count):
        yield f"{number},{titles[number % 499]},{notes[number % 303]},{bodies[number % 997]}"


class Text(Snapshot):
    name = "text"
    title = "snapshot, text (nvarchar, nvarchar(max))"
    TABLES = {"article": "id int NOT NULL PRIMARY KEY, title nvarchar(200) NOT NULL, note nvarchar(400) NULL, "
                         "body nvarchar(max) NOT NULL"}

    def fill(self, stage, connection):
        insert_literals(connection, "article", rows(self.sizes.text_rows), rows_each=200)
