"""Connections by plain values: functools.partial of these is picklable, so that worker processes connect by themselves."""


def connect_source(port, password, database):
    import pymssql

    return pymssql.connect(server="127.0.0.1", port=port, user="sa", password=password, database=database,
                           tds_version="7.4", encryption="require", autocommit=True, charset="UTF-8")


def connect_target(coordinates):
    import psycopg

    return psycopg.connect(**coordinates, autocommit=True)
