"""tds_fdw, a foreign data wrapper over FreeTDS: INSERT ... SELECT into tables made beforehand, everything in one PostgreSQL backend;
then ANALYZE, as behind a snapshot of tailrace's.

Its dates come as FreeTDS writes them for people, which PostgreSQL does not read: the source is asked for ISO texts.
"""

from bench.participants.unable import Unable, must_end_well
from tests.support.compare import bracket, quote

DATES = ("date", "time", "datetime", "datetime2", "smalldatetime", "datetimeoffset")


def remote(table):
    columns = ", ".join(f"CONVERT(varchar(40), {bracket(name)}, 126) AS {bracket(name)}" if kind in DATES else bracket(name)
                        for name, kind, _ in table.columns)
    return f"SELECT {columns} FROM {table.source_name}"


class TdsFdw:
    name = "tds_fdw"
    kind = "peer"
    process = "psql"

    def snapshot(self, stage, work, database):
        if not work.golden:
            raise Unable("there is no target whose tables it could fill")
        stage.create_target(database)
        with stage.target(database)() as connection:
            if not connection.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'tds_fdw'").fetchone()[0]:
                raise Unable("the Debian package postgresql-15-tds-fdw is not installed")
            connection.execute("CREATE EXTENSION tds_fdw")
            stage.make_tables(connection, work.golden)
            connection.execute(f"CREATE SERVER peer FOREIGN DATA WRAPPER tds_fdw OPTIONS (servername '127.0.0.1', port "
                               f"'{stage.simulator.port}', database '{work.database}', tds_version '7.4')")
            connection.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER peer OPTIONS (username "
                               f"'{stage.simulator.user}', password '{stage.simulator.password}')")
            connection.execute("CREATE SCHEMA remote")
            for table in work.tables:
                columns = connection.execute(
                    "SELECT string_agg(format('%%I %%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) "
                    "FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", [table.target_name]).fetchone()[0]
                connection.execute(f"CREATE FOREIGN TABLE remote.{quote(table.name)} ({columns}) SERVER peer OPTIONS "
                                   f"(query '{remote(table)}', use_remote_estimate '0')")
        script = stage.directory / f"{database}.sql"
        script.write_text("SET client_min_messages = warning;\n" + "".join(
            f"INSERT INTO {table.target_name} SELECT * FROM remote.{quote(table.name)};\nANALYZE {table.target_name};\n"
            for table in work.tables),
            encoding="utf-8")
        usage, process = stage.measured(self.process, lambda: stage.start(
            "tds_fdw", stage.psql(database, "-f", script)))
        must_end_well(process)
        return usage
