"""Redis: connections, tables, commits, and what its errors mean."""
