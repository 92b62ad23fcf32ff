"""Snapshot, text: nvarchar and nvarchar(max) in many scripts; one body in a thousand is long."""

import random

from bench.works.snapshot import Snapshot, bulk_insert
from demo.load import text_of

FIELD, ROW = "\x1f", "\x1e"  # The texts have line feeds and the like.


def rows(count):
    """The rows of a data file. Some hundred different texts are enough: nobody here compresses over rows."""
    chooser = random.Random(1)
    titles = [text_of(chooser, chooser.randint(1, 6)) for _ in range(499)]
    notes = [""] + [text_of(chooser, chooser.randint(3, 12)) for _ in range(302)]  # An empty field is NULL.
    bodies = [text_of(chooser, chooser.randint(5, 60)) for _ in range(996)]
    bodies.append(text_of(chooser, 3000))
    for number in range(count):
        yield FIELD.join((str(number), titles[number % 499], notes[number % 303], bodies[number % 997])) + ROW


class Text(Snapshot):
    name = "text"
    title = "snapshot, text (nvarchar, nvarchar(max))"
    TABLES = {"article": "id int NOT NULL PRIMARY KEY, title nvarchar(200) NOT NULL, note nvarchar(400) NULL, "
                         "body nvarchar(max) NOT NULL"}

    def fill(self, stage, connection):
        bulk_insert(connection, "article", stage.data_file(rows(self.sizes.text_rows)), FIELD, ROW)
