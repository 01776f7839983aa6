"""`tenure demo`: the live stream in one process, fed by an invented company."""
