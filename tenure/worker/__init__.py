"""`tenure worker`: its composition, its metrics, and how it ends."""
