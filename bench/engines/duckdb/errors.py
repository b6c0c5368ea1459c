"""The errors of a log as JSON lines, by DuckDB: errors.py plain|json LOG OUT. Prints how many there were.

The columns of the JSON log are given, so that DuckDB does not spend time on guessing them.
"""

import sys

import duckdb

PLAIN = """
    select split_part(line, ' ', 2) as time, split_part(line, ' ', 1) as level,
           substr(line, length('ERROR ') + length(split_part(line, ' ', 2)) + 2) as message
    from read_csv('{log}', columns = {{'line': 'VARCHAR'}}, header = false, delim = '\x01', quote = '', escape = '',
                  auto_detect = false, strict_mode = false)
    where starts_with(line, 'ERROR ')
"""
JSON = """
    select * from read_json('{log}', format = 'newline_delimited', columns = {{'ts': 'VARCHAR', 'level': 'VARCHAR',
        'msg': 'VARCHAR', 'host': 'VARCHAR', 'status': 'INTEGER', 'latency_ms': 'INTEGER'}})
    where level = 'error'
"""

kind, log, out = sys.argv[1:]
query = {"plain": PLAIN, "json": JSON}[kind].format(log=log)
print(duckdb.execute(f"copy ({query}) to '{out}' (format json)").fetchone()[0])
